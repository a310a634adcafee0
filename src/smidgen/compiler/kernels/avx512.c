//@ vectors
#include <immintrin.h>

#define LANES 16
#define LANES_INLINE static inline __attribute__((unused))

typedef __m512i lanes;       /* sixteen 32-bit numbers */
typedef __m512i lanes_quads; /* four bytes for each of them */

LANES_INLINE lanes lanes_load(const int32_t *from)
{
    return _mm512_loadu_si512(from);
}

LANES_INLINE void lanes_keep(int32_t *to, lanes a)
{
    _mm512_storeu_si512(to, a);
}

LANES_INLINE lanes lanes_fill(int32_t value)
{
    return _mm512_set1_epi32(value);
}

LANES_INLINE lanes lanes_sum(lanes a, lanes b)
{
    return _mm512_add_epi32(a, b);
}

LANES_INLINE lanes lanes_less(lanes a, lanes b)
{
    return _mm512_sub_epi32(a, b);
}

LANES_INLINE lanes lanes_times(lanes a, lanes b)
{
    return _mm512_mullo_epi32(a, b);
}

LANES_INLINE lanes lanes_right(lanes a, lanes bits)
{
    return _mm512_srav_epi32(a, bits);
}

LANES_INLINE lanes lanes_left_all(lanes a, int bits)
{
    return _mm512_sll_epi32(a, _mm_cvtsi32_si128(bits));
}

LANES_INLINE lanes lanes_right_all(lanes a, int bits)
{
    return _mm512_sra_epi32(a, _mm_cvtsi32_si128(bits));
}

/* (a * 2^lift * b + first) / 2^32, rounded down. */
LANES_INLINE lanes lanes_high(lanes a, int lift, lanes b, uint32_t first)
{
    const __m512i nudge = _mm512_set1_epi64((int64_t)first);
    const __m512i lifted = lanes_left_all(a, lift);
    const __m512i even = _mm512_add_epi64(_mm512_mul_epi32(lifted, b), nudge);
    const __m512i odd =
        _mm512_add_epi64(_mm512_mul_epi32(_mm512_srli_epi64(lifted, 32), _mm512_srli_epi64(b, 32)), nudge);
    return _mm512_mask_blend_epi32(0xaaaa, _mm512_srli_epi64(even, 32), odd);
}

/* a + up, or a + down where a is negative. */
LANES_INLINE lanes lanes_nudge(lanes a, lanes up, lanes down)
{
    return _mm512_add_epi32(a, _mm512_mask_blend_epi32(_mm512_movepi32_mask(a), up, down));
}

LANES_INLINE lanes_quads lanes_quads_load(const void *from)
{
    return _mm512_loadu_si512(from);
}

/* The same four bytes for all lanes. */
LANES_INLINE lanes_quads lanes_quads_fill(const uint8_t *from, uint32_t flip)
{
    uint32_t four;
    memcpy(&four, from, 4);
    return _mm512_xor_si512(_mm512_set1_epi32((int)four), _mm512_set1_epi32((int)flip));
}

/* sum + the four products of each lane; x unsigned, weights signed. */
LANES_INLINE lanes lanes_dot(lanes sum, lanes_quads x, lanes_quads weights)
{
    return _mm512_dpbusd_epi32(sum, x, weights);
}

LANES_INLINE __mmask16 lanes_mask(int count)
{
    return (__mmask16)(count < LANES ? (1u << count) - 1 : 0xffff);
}

/* Signed codes, `count` of them or as many as there are lanes. */
LANES_INLINE lanes lanes_widen(const uint8_t *from, uint32_t flip, int count)
{
    const __m128i codes = _mm_maskz_loadu_epi8(lanes_mask(count), from);
    return _mm512_cvtepi8_epi32(_mm_xor_si128(codes, _mm_set1_epi32((int)flip)));
}

/* a + zero, held in a range, as codes: `count` of them or as many as there are lanes. */
LANES_INLINE void lanes_store(uint8_t *to, lanes a, int32_t zero, int32_t low, int32_t high, uint32_t flip, int count)
{
    const __m512i code = _mm512_add_epi32(a, _mm512_set1_epi32(zero));
    const __m512i held = _mm512_min_epi32(_mm512_max_epi32(code, _mm512_set1_epi32(low)), _mm512_set1_epi32(high));
    const __m128i codes = _mm_xor_si128(_mm512_cvtepi32_epi8(held), _mm_set1_epi32((int)flip));
    _mm_mask_storeu_epi8(to, lanes_mask(count), codes);
}

/* The same of four vectors. */
LANES_INLINE void lanes_store_four(uint8_t *to, lanes a, lanes b, lanes c, lanes d, int32_t zero, int32_t low,
                                   int32_t high, uint32_t flip)
{
    const __m512i zeros = _mm512_set1_epi16((int16_t)zero);
    const __m512i ab = _mm512_adds_epi16(_mm512_packs_epi32(a, b), zeros);
    const __m512i cd = _mm512_adds_epi16(_mm512_packs_epi32(c, d), zeros);
    const __m512i order = _mm512_set_epi32(15, 11, 7, 3, 14, 10, 6, 2, 13, 9, 5, 1, 12, 8, 4, 0);
    const __m512i codes = _mm512_permutexvar_epi32(order, _mm512_packs_epi16(ab, cd));
    const __m512i lows = _mm512_set1_epi8((int8_t)low), highs = _mm512_set1_epi8((int8_t)high);
    const __m512i held = _mm512_min_epi8(_mm512_max_epi8(codes, lows), highs);
    _mm512_storeu_si512(to, _mm512_xor_si512(held, _mm512_set1_epi32((int)flip)));
}

//@ interleave_16
/* Four rows of 16 bytes, of which `count` are there, as 16 groups of four. */
LANES_INLINE void lanes_interleave_16(const uint8_t *a, const uint8_t *b, const uint8_t *c, const uint8_t *d,
                                      uint32_t flip, uint8_t *to, int count)
{
    const __mmask16 mask = lanes_mask(count);
    const __m512i first = _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(mask, a));
    const __m512i second = _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(mask, b));
    const __m512i third = _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(mask, c));
    const __m512i fourth = _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(mask, d));
    const __m512i low = _mm512_or_si512(first, _mm512_slli_epi32(second, 8));
    const __m512i high = _mm512_or_si512(_mm512_slli_epi32(third, 16), _mm512_slli_epi32(fourth, 24));
    _mm512_storeu_si512(to, _mm512_xor_si512(_mm512_or_si512(low, high), _mm512_set1_epi32((int)flip)));
}

//@ interleave_64
LANES_INLINE __m512i lanes_sixty_four(const uint8_t *from, int count)
{
    return _mm512_maskz_loadu_epi8(~UINT64_C(0) >> (64 - count), from);
}

/* Four rows of 64 bytes, of which `count` are there, as 64 groups of four. */
LANES_INLINE void lanes_interleave_64(const uint8_t *a, const uint8_t *b, const uint8_t *c, const uint8_t *d,
                                      uint32_t flip, uint8_t *to, int count)
{
    const __m512i flips = _mm512_set1_epi32((int)flip);
    const __m512i first = lanes_sixty_four(a, count), second = lanes_sixty_four(b, count);
    const __m512i third = lanes_sixty_four(c, count), fourth = lanes_sixty_four(d, count);
    const __m512i ab0 = _mm512_unpacklo_epi8(first, second), ab1 = _mm512_unpackhi_epi8(first, second);
    const __m512i cd0 = _mm512_unpacklo_epi8(third, fourth), cd1 = _mm512_unpackhi_epi8(third, fourth);
    const __m512i q0 = _mm512_xor_si512(_mm512_unpacklo_epi16(ab0, cd0), flips); /* the first 4 of every 16 channels */
    const __m512i q1 = _mm512_xor_si512(_mm512_unpackhi_epi16(ab0, cd0), flips);
    const __m512i q2 = _mm512_xor_si512(_mm512_unpacklo_epi16(ab1, cd1), flips);
    const __m512i q3 = _mm512_xor_si512(_mm512_unpackhi_epi16(ab1, cd1), flips);
    const __m512i h0 = _mm512_shuffle_i32x4(q0, q1, 0x44), h1 = _mm512_shuffle_i32x4(q2, q3, 0x44);
    const __m512i h2 = _mm512_shuffle_i32x4(q0, q1, 0xee), h3 = _mm512_shuffle_i32x4(q2, q3, 0xee);
    _mm512_storeu_si512(to, _mm512_shuffle_i32x4(h0, h1, 0x88));
    _mm512_storeu_si512(to + 64, _mm512_shuffle_i32x4(h0, h1, 0xdd));
    _mm512_storeu_si512(to + 128, _mm512_shuffle_i32x4(h2, h3, 0x88));
    _mm512_storeu_si512(to + 192, _mm512_shuffle_i32x4(h2, h3, 0xdd));
}

//@ floats
/* a * scale_a + (b * scale_b + offset) to the nearest integer, in single precision. */
LANES_INLINE lanes lanes_fused(lanes a, lanes b, float scale_a, float scale_b, float offset)
{
    const __m512 second = _mm512_fmadd_ps(_mm512_cvtepi32_ps(b), _mm512_set1_ps(scale_b), _mm512_set1_ps(offset));
    return _mm512_cvtps_epi32(_mm512_fmadd_ps(_mm512_cvtepi32_ps(a), _mm512_set1_ps(scale_a), second));
}

//@ single
/* Scaled in single precision: sum * scale + offset, to the nearest integer, is the code. */
struct lanes_scaling_single {
    __m512 scale, offset;
};

LANES_INLINE struct lanes_scaling_single lanes_scaling_of_single(const int32_t *rows)
{
    struct lanes_scaling_single found;
    found.scale = _mm512_loadu_ps(rows + LANES);
    found.offset = _mm512_loadu_ps(rows + 2 * LANES);
    return found;
}

LANES_INLINE lanes lanes_rounded_single(const int32_t *sums, const struct lanes_rounding *f,
                                        const struct lanes_scaling_single *by)
{
    (void)f;
    return _mm512_cvtps_epi32(_mm512_fmadd_ps(_mm512_cvtepi32_ps(lanes_load(sums)), by->scale, by->offset));
}

//@ signed
/* The same with another offset for sums below 0. */
struct lanes_scaling_signed {
    __m512 scale, up, down;
};

LANES_INLINE struct lanes_scaling_signed lanes_scaling_of_signed(const int32_t *rows)
{
    struct lanes_scaling_signed found;
    found.scale = _mm512_loadu_ps(rows + LANES);
    found.up = _mm512_loadu_ps(rows + 2 * LANES);
    found.down = _mm512_loadu_ps(rows + 3 * LANES);
    return found;
}

LANES_INLINE lanes lanes_rounded_signed(const int32_t *sums, const struct lanes_rounding *f,
                                        const struct lanes_scaling_signed *by)
{
    const lanes sum = lanes_load(sums);
    const __m512 offset = _mm512_mask_blend_ps(_mm512_movepi32_mask(sum), by->up, by->down);
    (void)f;
    return _mm512_cvtps_epi32(_mm512_fmadd_ps(_mm512_cvtepi32_ps(sum), by->scale, offset));
}

//@ double
/* Scaled in double precision: sum * multiplier + offset has the code in its upper half, whose other bits are known. */
struct lanes_scaling_double {
    __m512d low, high, low_offset, high_offset;
};

LANES_INLINE struct lanes_scaling_double lanes_scaling_of_double(const int32_t *rows)
{
    struct lanes_scaling_double found;
    found.low = _mm512_loadu_pd(rows + LANES);
    found.high = _mm512_loadu_pd(rows + 2 * LANES);
    found.low_offset = _mm512_loadu_pd(rows + 3 * LANES);
    found.high_offset = _mm512_loadu_pd(rows + 4 * LANES);
    return found;
}

LANES_INLINE lanes lanes_rounded_double(const int32_t *sums, const struct lanes_rounding *f,
                                      const struct lanes_scaling_double *by)
{
    const __m256i low = _mm256_loadu_si256((const __m256i *)(const void *)sums);
    const __m256i high = _mm256_loadu_si256((const __m256i *)(const void *)(sums + 8));
    const __m512d first = _mm512_fmadd_pd(_mm512_cvtepi32_pd(low), by->low, by->low_offset);
    const __m512d second = _mm512_fmadd_pd(_mm512_cvtepi32_pd(high), by->high, by->high_offset);
    const __m512i upper = _mm512_set_epi32(31, 29, 27, 25, 23, 21, 19, 17, 15, 13, 11, 9, 7, 5, 3, 1);
    const __m512i halves = _mm512_permutex2var_epi32(_mm512_castpd_si512(first), upper, _mm512_castpd_si512(second));
    (void)f;
    return _mm512_sub_epi32(halves, _mm512_set1_epi32(0x41380000));
}
