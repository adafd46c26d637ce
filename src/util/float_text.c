/* SPDX-License-Identifier: BSD-2-Clause */
#include "util/float_text.h"

#include "util/phrase.h"

#define PLACES 6u
/* So many bits behind the point: ten times as much still fits 64 bits. */
#define FRACTION_BITS 60u

/* value = mantissa * 2^exponent */
struct number {
    bool negative, infinite, none;
    uint64_t mantissa;
    int exponent;
};

static struct number parts(uint64_t bits, unsigned octets)
{
    const unsigned stored = octets == 4 ? 23 : 52;
    const unsigned all_ones = octets == 4 ? 0xff : 0x7ff;
    const int bias = octets == 4 ? 127 : 1023;
    const unsigned biased = (unsigned)(bits >> stored) & all_ones;
    struct number number = {
        .negative = bits >> (8 * octets - 1) & 1,
        .mantissa = bits & ((UINT64_C(1) << stored) - 1),
        .exponent = (int)(biased ? biased : 1) - bias - (int)stored,
    };
    number.infinite = biased == all_ones && !number.mantissa;
    number.none = biased == all_ones && number.mantissa;
    if (biased)
        number.mantissa |= UINT64_C(1) << stored;
    return number;
}

/* The part behind the point as a number of PLACES digits, rounded; 10^PLACES: one more before it.
 */
static uint64_t places(uint64_t fraction)
{
    const uint64_t one = UINT64_C(1) << FRACTION_BITS;
    uint64_t digits = 0;
    for (unsigned i = 0; i < PLACES; i++) {
        fraction *= 10;
        digits = digits * 10 + (fraction >> FRACTION_BITS);
        fraction &= one - 1;
    }
    return fraction >= one / 2 ? digits + 1 : digits;
}

/* Below 2^63 in magnitude. */
static void put_decimal(struct phrase *phrase, const struct number *number)
{
    uint64_t whole = 0, fraction = 0; /* of 2^FRACTION_BITS */
    const unsigned shift = number->exponent < 0 ? (unsigned)-number->exponent : 0;
    if (!shift)
        whole = number->mantissa << number->exponent;
    else if (shift < 64)
        whole = number->mantissa >> shift;
    const uint64_t rest =
        shift && shift < 64 ? number->mantissa - (whole << shift) : number->mantissa;
    if (shift && shift <= FRACTION_BITS)
        fraction = rest << (FRACTION_BITS - shift);
    else if (shift && shift < FRACTION_BITS + 64)
        fraction = rest >> (shift - FRACTION_BITS);
    uint64_t behind = places(fraction);
    char digits[PLACES + 2] = ".";
    for (unsigned i = PLACES; i > 0; i--, behind /= 10)
        digits[i] = (char)('0' + behind % 10);
    whole += behind;
    unsigned length = PLACES + 1;
    const bool small = number->mantissa && !whole && !places(fraction);
    while (!small && length > 1 && digits[length - 1] == '0')
        length--;
    digits[length > 1 ? length : 0] = '\0';
    phrase_number(phrase, whole);
    phrase_text(phrase, digits);
}

static unsigned top_bit(uint64_t value)
{
    unsigned bit = 0;
    while (value >>= 1)
        bit++;
    return bit;
}

bool float_text(uint64_t bits, unsigned octets, char text[FLOAT_TEXT_SIZE])
{
    struct phrase phrase = phrase_start(text, FLOAT_TEXT_SIZE);
    const struct number number = parts(bits, octets);
    if (number.none) {
        phrase_text(&phrase, "nan");
        return false;
    }
    if (number.negative)
        phrase_text(&phrase, "-");
    if (number.infinite) {
        phrase_text(&phrase, "infinity");
        return false;
    }
    const int top = (int)top_bit(number.mantissa) + number.exponent;
    if (number.mantissa && top >= 63) {
        phrase_text(&phrase, "2^");
        phrase_number(&phrase, (unsigned)top);
        return false;
    }
    put_decimal(&phrase, &number);
    return true;
}
