//@ vectors
#include <arm_neon.h>

#define LANES 4
#define LANES_INLINE static inline __attribute__((unused))

typedef int32x4_t lanes;       /* four 32-bit numbers */
typedef int8x16_t lanes_quads; /* four bytes for each of them */

LANES_INLINE lanes lanes_load(const int32_t *from)
{
    return vld1q_s32(from);
}

LANES_INLINE void lanes_keep(int32_t *to, lanes a)
{
    vst1q_s32(to, a);
}

LANES_INLINE lanes lanes_fill(int32_t value)
{
    return vdupq_n_s32(value);
}

LANES_INLINE lanes lanes_sum(lanes a, lanes b)
{
    return vaddq_s32(a, b);
}

LANES_INLINE lanes lanes_less(lanes a, lanes b)
{
    return vsubq_s32(a, b);
}

LANES_INLINE lanes lanes_times(lanes a, lanes b)
{
    return vmulq_s32(a, b);
}

LANES_INLINE lanes lanes_right(lanes a, lanes bits)
{
    return vshlq_s32(a, vnegq_s32(bits));
}

LANES_INLINE lanes lanes_left_all(lanes a, int bits)
{
    return vshlq_s32(a, vdupq_n_s32(bits));
}

LANES_INLINE lanes lanes_right_all(lanes a, int bits)
{
    return vshlq_s32(a, vdupq_n_s32(-bits));
}

/* (a * 2^lift * b + first) / 2^32, rounded down; first is 0 or 2^31, and the instructions double the product. */
LANES_INLINE lanes lanes_high(lanes a, int lift, lanes b, uint32_t first)
{
    const int32x4_t lifted = lanes_left_all(a, lift - 1);
    return first ? vqrdmulhq_s32(lifted, b) : vqdmulhq_s32(lifted, b);
}

/* a + up, or a + down where a is negative. */
LANES_INLINE lanes lanes_nudge(lanes a, lanes up, lanes down)
{
    return vaddq_s32(a, vbslq_s32(vcltzq_s32(a), down, up));
}

LANES_INLINE lanes_quads lanes_quads_load(const void *from)
{
    return vld1q_s8((const int8_t *)from);
}

/* The same four bytes for all lanes. */
LANES_INLINE lanes_quads lanes_quads_fill(const uint8_t *from, uint32_t flip)
{
    uint32_t four;
    memcpy(&four, from, 4);
    return vreinterpretq_s8_u32(veorq_u32(vdupq_n_u32(four), vdupq_n_u32(flip)));
}

/* sum + the four products of each lane; all bytes are signed. */
LANES_INLINE lanes lanes_dot(lanes sum, lanes_quads x, lanes_quads weights)
{
    return vdotq_s32(sum, x, weights);
}

/* Signed codes, `count` of them or as many as there are lanes. */
LANES_INLINE lanes lanes_widen(const uint8_t *from, uint32_t flip, int count)
{
    uint32_t codes = 0;
    memcpy(&codes, from, count < LANES ? (size_t)count : LANES);
    return vmovl_s16(vget_low_s16(vmovl_s8(vreinterpret_s8_u32(vdup_n_u32(codes ^ flip)))));
}

/* a + zero, held in a range, as codes: `count` of them or as many as there are lanes. */
LANES_INLINE void lanes_store(uint8_t *to, lanes a, int32_t zero, int32_t low, int32_t high, uint32_t flip, int count)
{
    const int32x4_t code = vaddq_s32(a, vdupq_n_s32(zero));
    const int32x4_t held = vminq_s32(vmaxq_s32(code, vdupq_n_s32(low)), vdupq_n_s32(high));
    const int16x4_t words = vmovn_s32(held);
    const uint32_t codes = vget_lane_u32(vreinterpret_u32_s8(vmovn_s16(vcombine_s16(words, words))), 0) ^ flip;
    memcpy(to, &codes, count < LANES ? (size_t)count : LANES);
}

/* The same of four vectors. */
LANES_INLINE void lanes_store_four(uint8_t *to, lanes a, lanes b, lanes c, lanes d, int32_t zero, int32_t low,
                                   int32_t high, uint32_t flip)
{
    const int16x8_t zeros = vdupq_n_s16((int16_t)zero);
    const int16x8_t ab = vqaddq_s16(vcombine_s16(vqmovn_s32(a), vqmovn_s32(b)), zeros);
    const int16x8_t cd = vqaddq_s16(vcombine_s16(vqmovn_s32(c), vqmovn_s32(d)), zeros);
    const int8x16_t codes = vcombine_s8(vqmovn_s16(ab), vqmovn_s16(cd));
    const int8x16_t held = vminq_s8(vmaxq_s8(codes, vdupq_n_s8((int8_t)low)), vdupq_n_s8((int8_t)high));
    vst1q_u8(to, veorq_u8(vreinterpretq_u8_s8(held), vreinterpretq_u8_u32(vdupq_n_u32(flip))));
}

//@ interleave_16
/* Sixteen bytes, of which `count` are there. */
LANES_INLINE uint8x16_t lanes_sixteen(const uint8_t *from, int count)
{
    uint8_t some[16] = {0};
    if (count == 16) {
        return vld1q_u8(from);
    }
    memcpy(some, from, (size_t)count);
    return vld1q_u8(some);
}

/* Four rows of 16 bytes, of which `count` are there, as 16 groups of four. */
LANES_INLINE void lanes_interleave_16(const uint8_t *a, const uint8_t *b, const uint8_t *c, const uint8_t *d,
                                      uint32_t flip, uint8_t *to, int count)
{
    const uint8x16_t flips = vreinterpretq_u8_u32(vdupq_n_u32(flip));
    uint8x16x4_t four;
    four.val[0] = veorq_u8(lanes_sixteen(a, count), flips);
    four.val[1] = veorq_u8(lanes_sixteen(b, count), flips);
    four.val[2] = veorq_u8(lanes_sixteen(c, count), flips);
    four.val[3] = veorq_u8(lanes_sixteen(d, count), flips);
    vst4q_u8(to, four);
}
