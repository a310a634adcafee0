//@ vectors
#include <immintrin.h>

#define LANES 8
#define LANES_INLINE static inline __attribute__((unused))

typedef __m256i lanes; /* eight 32-bit numbers */

/* Four bytes for each of them, as 16-bit numbers: the first and third, the second and fourth. */
typedef struct {
    __m256i even, odd;
} lanes_quads;

LANES_INLINE lanes lanes_load(const int32_t *from)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)from);
}

LANES_INLINE void lanes_keep(int32_t *to, lanes a)
{
    _mm256_storeu_si256((__m256i *)(void *)to, a);
}

LANES_INLINE lanes lanes_fill(int32_t value)
{
    return _mm256_set1_epi32(value);
}

LANES_INLINE lanes lanes_sum(lanes a, lanes b)
{
    return _mm256_add_epi32(a, b);
}

LANES_INLINE lanes lanes_less(lanes a, lanes b)
{
    return _mm256_sub_epi32(a, b);
}

LANES_INLINE lanes lanes_times(lanes a, lanes b)
{
    return _mm256_mullo_epi32(a, b);
}

LANES_INLINE lanes lanes_right(lanes a, lanes bits)
{
    return _mm256_srav_epi32(a, bits);
}

LANES_INLINE lanes lanes_left_all(lanes a, int bits)
{
    return _mm256_sll_epi32(a, _mm_cvtsi32_si128(bits));
}

LANES_INLINE lanes lanes_right_all(lanes a, int bits)
{
    return _mm256_sra_epi32(a, _mm_cvtsi32_si128(bits));
}

/* (a * 2^lift * b + first) / 2^32, rounded down. */
LANES_INLINE lanes lanes_high(lanes a, int lift, lanes b, uint32_t first)
{
    const __m256i nudge = _mm256_set1_epi64x((int64_t)first);
    const __m256i lifted = lanes_left_all(a, lift);
    const __m256i even = _mm256_add_epi64(_mm256_mul_epi32(lifted, b), nudge);
    const __m256i odd =
        _mm256_add_epi64(_mm256_mul_epi32(_mm256_srli_epi64(lifted, 32), _mm256_srli_epi64(b, 32)), nudge);
    return _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xaa);
}

/* a + up, or a + down where a is negative. */
LANES_INLINE lanes lanes_nudge(lanes a, lanes up, lanes down)
{
    return _mm256_add_epi32(a, _mm256_blendv_epi8(up, down, _mm256_srai_epi32(a, 31)));
}

LANES_INLINE lanes_quads lanes_quads_of(__m256i bytes)
{
    lanes_quads found;
    found.even = _mm256_srai_epi16(_mm256_slli_epi16(bytes, 8), 8);
    found.odd = _mm256_srai_epi16(bytes, 8);
    return found;
}

LANES_INLINE lanes_quads lanes_quads_load(const void *from)
{
    return lanes_quads_of(_mm256_loadu_si256((const __m256i *)from));
}

/* The same four bytes for all lanes. */
LANES_INLINE lanes_quads lanes_quads_fill(const uint8_t *from, uint32_t flip)
{
    uint32_t four;
    memcpy(&four, from, 4);
    return lanes_quads_of(_mm256_xor_si256(_mm256_set1_epi32((int)four), _mm256_set1_epi32((int)flip)));
}

/* sum + the four products of each lane; all bytes are signed. */
LANES_INLINE lanes lanes_dot(lanes sum, lanes_quads x, lanes_quads weights)
{
    const __m256i even = _mm256_madd_epi16(x.even, weights.even), odd = _mm256_madd_epi16(x.odd, weights.odd);
    return _mm256_add_epi32(sum, _mm256_add_epi32(even, odd));
}

/* Signed codes, `count` of them or as many as there are lanes. */
LANES_INLINE lanes lanes_widen(const uint8_t *from, uint32_t flip, int count)
{
    uint64_t codes = 0;
    memcpy(&codes, from, count < LANES ? (size_t)count : LANES);
    return _mm256_cvtepi8_epi32(_mm_xor_si128(_mm_cvtsi64_si128((int64_t)codes), _mm_set1_epi32((int)flip)));
}

/* a + zero, held in a range, as codes: `count` of them or as many as there are lanes. */
LANES_INLINE void lanes_store(uint8_t *to, lanes a, int32_t zero, int32_t low, int32_t high, uint32_t flip, int count)
{
    const __m256i code = _mm256_add_epi32(a, _mm256_set1_epi32(zero));
    const __m256i held = _mm256_min_epi32(_mm256_max_epi32(code, _mm256_set1_epi32(low)), _mm256_set1_epi32(high));
    const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(held), _mm256_extracti128_si256(held, 1));
    const __m128i codes = _mm_xor_si128(_mm_packs_epi16(words, words), _mm_set1_epi32((int)flip));
    if (count >= LANES) {
        _mm_storel_epi64((__m128i *)(void *)to, codes);
    } else {
        uint64_t some;
        _mm_storel_epi64((__m128i *)(void *)&some, codes);
        memcpy(to, &some, (size_t)count);
    }
}

/* The same of four vectors. */
LANES_INLINE void lanes_store_four(uint8_t *to, lanes a, lanes b, lanes c, lanes d, int32_t zero, int32_t low,
                                   int32_t high, uint32_t flip)
{
    const __m256i zeros = _mm256_set1_epi16((int16_t)zero);
    const __m256i ab = _mm256_adds_epi16(_mm256_packs_epi32(a, b), zeros);
    const __m256i cd = _mm256_adds_epi16(_mm256_packs_epi32(c, d), zeros);
    const __m256i order = _mm256_set_epi32(7, 3, 6, 2, 5, 1, 4, 0);
    const __m256i codes = _mm256_permutevar8x32_epi32(_mm256_packs_epi16(ab, cd), order);
    const __m256i lows = _mm256_set1_epi8((int8_t)low), highs = _mm256_set1_epi8((int8_t)high);
    const __m256i held = _mm256_min_epi8(_mm256_max_epi8(codes, lows), highs);
    _mm256_storeu_si256((__m256i *)(void *)to, _mm256_xor_si256(held, _mm256_set1_epi32((int)flip)));
}

//@ interleave_16
/* Sixteen bytes, of which `count` are there. */
LANES_INLINE __m128i lanes_sixteen(const uint8_t *from, int count)
{
    uint8_t some[16] = {0};
    if (count == 16) {
        return _mm_loadu_si128((const __m128i *)(const void *)from);
    }
    memcpy(some, from, (size_t)count);
    return _mm_loadu_si128((const __m128i *)(const void *)some);
}

/* Four rows of 16 bytes, of which `count` are there, as 16 groups of four. */
LANES_INLINE void lanes_interleave_16(const uint8_t *a, const uint8_t *b, const uint8_t *c, const uint8_t *d,
                                      uint32_t flip, uint8_t *to, int count)
{
    const __m128i first = lanes_sixteen(a, count), second = lanes_sixteen(b, count);
    const __m128i third = lanes_sixteen(c, count), fourth = lanes_sixteen(d, count);
    const __m128i ab[2] = {_mm_unpacklo_epi8(first, second), _mm_unpackhi_epi8(first, second)};
    const __m128i cd[2] = {_mm_unpacklo_epi8(third, fourth), _mm_unpackhi_epi8(third, fourth)};
    const __m128i flips = _mm_set1_epi32((int)flip);
    for (int half = 0; half < 2; half++, to += 32) {
        const __m128i low = _mm_unpacklo_epi16(ab[half], cd[half]), high = _mm_unpackhi_epi16(ab[half], cd[half]);
        _mm_storeu_si128((__m128i *)(void *)to, _mm_xor_si128(low, flips));
        _mm_storeu_si128((__m128i *)(void *)(to + 16), _mm_xor_si128(high, flips));
    }
}
