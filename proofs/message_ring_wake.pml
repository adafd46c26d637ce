/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * No wake-up of the message ring's consumer is lost: src/ring/message_ring.c, put and
 * should_notify against take and may_sleep. A lost one is a consumer that sleeps for ever with
 * records in the ring: an invalid end state.
 *
 * Mutations, each of which must fail:
 *   -DNO_PRODUCER_FENCE  should_notify does not fence
 *   -DNO_CONSUMER_FENCE  may_sleep does not fence
 *   -DNO_RECHECK         may_sleep does not look at tail again
 */
#include "store_buffer.pml"

#define RECORDS  5
#define CAPACITY 2

byte tail, head; /* in records */
bit wants_wake;
chan tail_buffer = [CAPACITY] of { byte };
chan head_buffer = [CAPACITY] of { byte };
chan wants_wake_buffer = [2] of { bit };

bit notification; /* coalesces, as an eventfd or a seL4 notification */

active proctype memory()
{
end:
    do
    :: DRAIN(tail)
    :: DRAIN(head)
    :: DRAIN(wants_wake)
    od
}

active proctype producer()
{
    byte sent, head_seen, notified;
    do
    :: sent < RECORDS && sent - head_seen < CAPACITY -> /* put */
        sent++;
        STORE(tail, sent)
    :: sent < RECORDS && sent - head_seen == CAPACITY && head != head_seen -> /* look again */
        head_seen = head
    :: sent != notified -> /* the end of a batch, of whatever size: should_notify */
        notified = sent;
#ifndef NO_PRODUCER_FENCE
        DRAINED(tail);
#endif
        if
        :: wants_wake -> notification = 1
        :: !wants_wake
        fi
    :: sent == RECORDS && notified == sent -> break
    od
}

active proctype consumer()
{
    byte received, tail_seen;
    bit wants_wake_stored;
    byte spurious = 2; /* wake-ups for other reasons; were they endless, no loss would show */
    do
    :: received == RECORDS -> break
    :: received < RECORDS ->
        do /* take, until empty */
        :: received == tail_seen && tail != tail_seen -> tail_seen = tail
        :: received == tail_seen && tail == tail_seen -> break
        :: received != tail_seen ->
            received++;
            STORE(head, received);
            if
            :: wants_wake_stored -> wants_wake_stored = 0; STORE(wants_wake, 0)
            :: !wants_wake_stored
            fi
        od;
        if
        :: received == RECORDS -> break
        :: received < RECORDS
        fi;
        /* may_sleep */
        wants_wake_stored = 1;
        STORE(wants_wake, 1);
#ifndef NO_CONSUMER_FENCE
        DRAINED(wants_wake) && DRAINED(head);
#endif
        if
#ifndef NO_RECHECK
        :: tail != received -> wants_wake_stored = 0; STORE(wants_wake, 0)
        :: tail == received ->
#else
        :: true ->
#endif
            if
            :: notification -> notification = 0
            :: spurious > 0 -> spurious--
            fi
        fi
    od
}
