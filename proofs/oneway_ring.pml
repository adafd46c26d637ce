/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one-way ring's consumer accepts no torn record, and every record is received or counted
 * lost: src/ring/oneway_ring.c. Slots of two words; both words of record n hold n + 1.
 *
 * Mutations, each of which must fail:
 *   -DNO_RESERVE        only tail is published; the consumer looks at it again instead
 *   -DNO_RELEASE_FENCE  the producer does not fence between reserve and the words
 *   -DNO_ACQUIRE_FENCE  the consumer does not fence between the words and reserve: the second
 *                       load may be done before the first ones
 */
#include "store_buffer.pml"

#define RECORDS 5
#define SLOTS   2
#define KEPT    (SLOTS - 1) /* catch_up: SLOTS - (SLOTS / 8 + 1) */

byte tail, reserve;
byte word0[SLOTS], word1[SLOTS];
chan tail_buffer = [2] of { byte };
chan reserve_buffer = [2] of { byte };
chan word0_buffer = [1] of { byte, byte }; /* slot, value */
chan word1_buffer = [1] of { byte, byte };

active proctype memory()
{
    byte slot, value;
end:
    do
    :: DRAIN(tail)
    :: DRAIN(reserve)
    :: atomic { word0_buffer ? slot, value -> word0[slot] = value; slot = 0; value = 0 }
    :: atomic { word1_buffer ? slot, value -> word1[slot] = value; slot = 0; value = 0 }
    od
}

active proctype producer()
{
    byte sent;
    do
    :: sent < RECORDS ->
#ifndef NO_RESERVE
        STORE(reserve, sent + 1);
#endif
#ifndef NO_RELEASE_FENCE
        DRAINED(reserve) && DRAINED(tail);
#endif
        word0_buffer ! sent % SLOTS, sent + 1;
        word1_buffer ! sent % SLOTS, sent + 1;
        sent++;
        DRAINED(word0) && DRAINED(word1) && DRAINED(reserve); /* release */
        STORE(tail, sent)
    :: sent == RECORDS -> break
    od
}

#ifdef NO_RESERVE
#define MARK tail
#else
#define MARK reserve
#endif

active proctype consumer()
{
    byte next, seen, received, lost, first, second, mark, skipped;
    do
    :: next == RECORDS -> break
    :: next < RECORDS ->
        if
        :: next == seen -> tail != seen; seen = tail /* polls */
        :: next != seen
        fi;
#ifdef NO_ACQUIRE_FENCE
        mark = MARK;
#endif
        if /* relaxed loads: in any order */
        :: first = word0[next % SLOTS]; second = word1[next % SLOTS]
        :: second = word1[next % SLOTS]; first = word0[next % SLOTS]
        fi;
#ifndef NO_ACQUIRE_FENCE
        mark = MARK;
#endif
#ifndef NO_RESERVE
        assert(mark >= seen); /* else an honest producer would be called faulty */
#endif
        if
        :: mark - next <= SLOTS ->
            assert(first == next + 1 && second == next + 1); /* not torn */
            next++;
            received++
        :: mark - next > SLOTS ->
            seen = tail;
            skipped = next + 1;
            if
            :: skipped + KEPT < seen -> skipped = seen - KEPT
            :: skipped + KEPT >= seen
            fi;
            lost = lost + skipped - next;
            next = skipped
        fi;
        assert(received + lost == next && next <= seen);
        first = 0; second = 0; mark = 0; skipped = 0
    od;
    assert(received + lost == RECORDS)
}
