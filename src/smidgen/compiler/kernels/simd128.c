//@ vectors
#include <wasm_simd128.h>

#define LANES 4
#define LANES_INLINE static inline __attribute__((unused))

typedef v128_t lanes; /* four 32-bit numbers */

/* Four bytes for each of them, as 16-bit numbers: the first and third, the second and fourth. */
typedef struct {
    v128_t even, odd;
} lanes_quads;

LANES_INLINE lanes lanes_load(const int32_t *from)
{
    return wasm_v128_load(from);
}

LANES_INLINE void lanes_keep(int32_t *to, lanes a)
{
    wasm_v128_store(to, a);
}

LANES_INLINE lanes lanes_fill(int32_t value)
{
    return wasm_i32x4_splat(value);
}

LANES_INLINE lanes lanes_sum(lanes a, lanes b)
{
    return wasm_i32x4_add(a, b);
}

LANES_INLINE lanes lanes_less(lanes a, lanes b)
{
    return wasm_i32x4_sub(a, b);
}

LANES_INLINE lanes lanes_times(lanes a, lanes b)
{
    return wasm_i32x4_mul(a, b);
}

LANES_INLINE lanes lanes_left_all(lanes a, int bits)
{
    return wasm_i32x4_shl(a, (uint32_t)bits);
}

LANES_INLINE lanes lanes_right_all(lanes a, int bits)
{
    return wasm_i32x4_shr(a, (uint32_t)bits);
}

/* (a * 2^lift * b + first) / 2^32, rounded down. */
LANES_INLINE lanes lanes_high(lanes a, int lift, lanes b, uint32_t first)
{
    const v128_t lifted = lanes_left_all(a, lift), nudge = wasm_i64x2_splat((int64_t)first);
    const v128_t low = wasm_i64x2_add(wasm_i64x2_extmul_low_i32x4(lifted, b), nudge);
    const v128_t high = wasm_i64x2_add(wasm_i64x2_extmul_high_i32x4(lifted, b), nudge);
    return wasm_i32x4_shuffle(low, high, 1, 3, 5, 7);
}

/* a / 2^bits, rounded down, where `factors` are 2^(30 - bits). */
LANES_INLINE lanes lanes_right(lanes a, lanes factors)
{
    return lanes_high(a, 2, factors, 0);
}

/* a + up, or a + down where a is negative. */
LANES_INLINE lanes lanes_nudge(lanes a, lanes up, lanes down)
{
    return wasm_i32x4_add(a, wasm_v128_bitselect(down, up, wasm_i32x4_shr(a, 31)));
}

LANES_INLINE lanes_quads lanes_quads_of(v128_t bytes)
{
    lanes_quads found;
    found.even = wasm_i16x8_shr(wasm_i16x8_shl(bytes, 8), 8);
    found.odd = wasm_i16x8_shr(bytes, 8);
    return found;
}

LANES_INLINE lanes_quads lanes_quads_load(const void *from)
{
    return lanes_quads_of(wasm_v128_load(from));
}

/* The same four bytes for all lanes. */
LANES_INLINE lanes_quads lanes_quads_fill(const uint8_t *from, uint32_t flip)
{
    return lanes_quads_of(wasm_v128_xor(wasm_v128_load32_splat(from), wasm_i32x4_splat((int32_t)flip)));
}

/* sum + the four products of each lane; all bytes are signed. */
LANES_INLINE lanes lanes_dot(lanes sum, lanes_quads x, lanes_quads weights)
{
    const v128_t even = wasm_i32x4_dot_i16x8(x.even, weights.even), odd = wasm_i32x4_dot_i16x8(x.odd, weights.odd);
    return wasm_i32x4_add(sum, wasm_i32x4_add(even, odd));
}

/* Signed codes, `count` of them or as many as there are lanes. */
LANES_INLINE lanes lanes_widen(const uint8_t *from, uint32_t flip, int count)
{
    uint32_t codes = 0;
    memcpy(&codes, from, count < LANES ? (size_t)count : LANES);
    return wasm_i32x4_extend_low_i16x8(wasm_i16x8_extend_low_i8x16(wasm_i32x4_splat((int32_t)(codes ^ flip))));
}

/* a + zero, held in a range, as codes: `count` of them or as many as there are lanes. */
LANES_INLINE void lanes_store(uint8_t *to, lanes a, int32_t zero, int32_t low, int32_t high, uint32_t flip, int count)
{
    const v128_t code = wasm_i32x4_add(a, wasm_i32x4_splat(zero));
    const v128_t held = wasm_i32x4_min(wasm_i32x4_max(code, wasm_i32x4_splat(low)), wasm_i32x4_splat(high));
    const v128_t words = wasm_i16x8_narrow_i32x4(held, held);
    const uint32_t codes = (uint32_t)wasm_i32x4_extract_lane(wasm_i8x16_narrow_i16x8(words, words), 0) ^ flip;
    memcpy(to, &codes, count < LANES ? (size_t)count : LANES);
}

/* The same of four vectors. */
LANES_INLINE void lanes_store_four(uint8_t *to, lanes a, lanes b, lanes c, lanes d, int32_t zero, int32_t low,
                                   int32_t high, uint32_t flip)
{
    const v128_t zeros = wasm_i16x8_splat((int16_t)zero);
    const v128_t ab = wasm_i16x8_add_sat(wasm_i16x8_narrow_i32x4(a, b), zeros);
    const v128_t cd = wasm_i16x8_add_sat(wasm_i16x8_narrow_i32x4(c, d), zeros);
    const v128_t lows = wasm_i8x16_splat((int8_t)low), highs = wasm_i8x16_splat((int8_t)high);
    const v128_t held = wasm_i8x16_min(wasm_i8x16_max(wasm_i8x16_narrow_i16x8(ab, cd), lows), highs);
    wasm_v128_store(to, wasm_v128_xor(held, wasm_i32x4_splat((int32_t)flip)));
}

//@ interleave_16
/* Sixteen bytes, of which `count` are there. */
LANES_INLINE v128_t lanes_sixteen(const uint8_t *from, int count)
{
    uint8_t some[16] = {0};
    if (count == 16) {
        return wasm_v128_load(from);
    }
    memcpy(some, from, (size_t)count);
    return wasm_v128_load(some);
}

/* Four rows of 16 bytes, of which `count` are there, as 16 groups of four. */
LANES_INLINE void lanes_interleave_16(const uint8_t *a, const uint8_t *b, const uint8_t *c, const uint8_t *d,
                                      uint32_t flip, uint8_t *to, int count)
{
    const v128_t first = lanes_sixteen(a, count), second = lanes_sixteen(b, count);
    const v128_t third = lanes_sixteen(c, count), fourth = lanes_sixteen(d, count);
    const v128_t ab[2] = {
        wasm_i8x16_shuffle(first, second, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23),
        wasm_i8x16_shuffle(first, second, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31),
    };
    const v128_t cd[2] = {
        wasm_i8x16_shuffle(third, fourth, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23),
        wasm_i8x16_shuffle(third, fourth, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31),
    };
    const v128_t flips = wasm_i32x4_splat((int32_t)flip);
    for (int half = 0; half < 2; half++, to += 32) {
        const v128_t low = wasm_i16x8_shuffle(ab[half], cd[half], 0, 8, 1, 9, 2, 10, 3, 11);
        const v128_t high = wasm_i16x8_shuffle(ab[half], cd[half], 4, 12, 5, 13, 6, 14, 7, 15);
        wasm_v128_store(to, wasm_v128_xor(low, flips));
        wasm_v128_store(to + 16, wasm_v128_xor(high, flips));
    }
}
