/* SPDX-License-Identifier: BSD-2-Clause */
#include "util/timestamp.h"

static char *digits(char *at, uint64_t value, unsigned count)
{
    for (unsigned i = count; i-- > 0; value /= 10)
        at[i] = (char)('0' + value % 10);
    return at + count;
}

void timestamp_format(uint64_t unix_time, char text[TIMESTAMP_SIZE])
{
    uint64_t seconds = unix_time / 1000000000u;
    uint64_t in_day = seconds % 86400u;
    /* Days to a civil date in the proleptic Gregorian calendar, counted in 400-year eras of
     * 146097 days that begin on 1 March, so that the leap day is an era year's last. */
    uint64_t days = seconds / 86400u + 719468u;
    uint64_t era = days / 146097u;
    uint64_t day_of_era = days % 146097u;
    uint64_t year_of_era =
        (day_of_era - day_of_era / 1460u + day_of_era / 36524u - day_of_era / 146096u) / 365u;
    uint64_t day_of_year =
        day_of_era - (365u * year_of_era + year_of_era / 4u - year_of_era / 100u);
    uint64_t shifted_month = (5u * day_of_year + 2u) / 153u; /* 0 is March */
    uint64_t day = day_of_year - (153u * shifted_month + 2u) / 5u + 1u;
    uint64_t month = shifted_month < 10u ? shifted_month + 3u : shifted_month - 9u;
    uint64_t year = year_of_era + era * 400u + (month <= 2u);

    char *at = digits(text, year % 10000u, 4);
    *at++ = '-';
    at = digits(at, month, 2);
    *at++ = '-';
    at = digits(at, day, 2);
    *at++ = 'T';
    at = digits(at, in_day / 3600u, 2);
    *at++ = ':';
    at = digits(at, in_day / 60u % 60u, 2);
    *at++ = ':';
    at = digits(at, in_day % 60u, 2);
    *at++ = '.';
    at = digits(at, unix_time / 1000u % 1000000u, 6);
    for (const char *zone = "+0000"; *zone; zone++)
        *at++ = *zone;
    *at = '\0';
}
