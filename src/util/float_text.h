/* SPDX-License-Identifier: BSD-2-Clause */
/* IEEE 754 numbers as text without floating point: components run without its registers. */
#ifndef SLUICE_UTIL_FLOAT_TEXT_H
#define SLUICE_UTIL_FLOAT_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#define FLOAT_TEXT_SIZE 32u

/* `bits` of a number of 4 or 8 octets in decimal, rounded to six places ("-6.25"). What is too
 * large for that becomes a power of two at or below it ("2^100"), what is too small "0.000000";
 * others "infinity" and "nan". False where the text is no plain decimal number. */
bool float_text(uint64_t bits, unsigned octets, char text[FLOAT_TEXT_SIZE]);

#endif
