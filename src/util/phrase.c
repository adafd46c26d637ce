/* SPDX-License-Identifier: BSD-2-Clause */
#include "util/phrase.h"

struct phrase phrase_start(char *text, size_t size)
{
    text[0] = '\0';
    return (struct phrase){.text = text, .size = size};
}

static void put(struct phrase *phrase, char letter)
{
    if (phrase->length + 1 >= phrase->size)
        return;
    phrase->text[phrase->length++] = letter;
    phrase->text[phrase->length] = '\0';
}

void phrase_text(struct phrase *phrase, const char *text)
{
    while (*text)
        put(phrase, *text++);
}

void phrase_number(struct phrase *phrase, uint64_t number)
{
    char digits[20];
    size_t count = 0;
    do {
        digits[count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    while (count)
        put(phrase, digits[--count]);
}

void phrase_address(struct phrase *phrase, uint32_t ipv4)
{
    for (unsigned shift = 32; shift > 0; shift -= 8) {
        if (shift < 32)
            put(phrase, '.');
        phrase_number(phrase, ipv4 >> (shift - 8) & 0xff);
    }
}
