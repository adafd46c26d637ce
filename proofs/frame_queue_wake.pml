/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * No wake-up of a frame queue's consumer is lost: src/ring/frame_queue.c, put and should_notify
 * against take and may_sleep. Both sides write consumer_signalled. A lost wake-up is an invalid
 * end state.
 *
 * Mutations, each of which must fail:
 *   -DNO_PRODUCER_FENCE  should_notify does not fence before it reads the flag
 *   -DNO_CLEAR_FENCE     nor after it has set it, before the notification
 *   -DNO_CONSUMER_FENCE  may_sleep does not fence
 *   -DNO_RECHECK         may_sleep does not look at tail again
 */
#include "store_buffer.pml"

#define RECORDS  4
#define CAPACITY 2

byte tail, head;
bit awake; /* consumer_signalled, as both see it */
chan tail_buffer = [CAPACITY] of { byte };
chan head_buffer = [CAPACITY] of { byte };
chan producer_awake_buffer = [1] of { bit };
chan consumer_awake_buffer = [2] of { bit };

bit notification;

active proctype memory()
{
end:
    do
    :: DRAIN(tail)
    :: DRAIN(head)
    :: producer_awake_buffer ? awake
    :: consumer_awake_buffer ? awake
    od
}

active proctype producer()
{
    byte sent, head_seen, notified;
    bit flag;
    do
    :: sent < RECORDS && sent - head_seen < CAPACITY ->
        sent++;
        STORE(tail, sent)
    :: sent < RECORDS && sent - head_seen == CAPACITY && head != head_seen ->
        head_seen = head
    :: sent != notified ->
        notified = sent;
#ifndef NO_PRODUCER_FENCE
        DRAINED(tail) && DRAINED(producer_awake);
        flag = awake;
#else
        atomic { /* one's own store that is still buffered, else memory */
            if
            :: DRAINED(producer_awake) -> flag = awake
            :: nempty(producer_awake_buffer) -> producer_awake_buffer ? <flag>
            fi
        };
#endif
        if
        :: flag
        :: !flag ->
            STORE(producer_awake, 1);
#ifndef NO_CLEAR_FENCE
            DRAINED(producer_awake);
#endif
            notification = 1
        fi
    :: sent == RECORDS && notified == sent -> break
    od
}

active proctype consumer()
{
    byte received, tail_seen;
    byte spurious = 2;
    do
    :: received == RECORDS -> break
    :: received < RECORDS ->
        do
        :: received == tail_seen && tail != tail_seen -> tail_seen = tail
        :: received == tail_seen && tail == tail_seen -> break
        :: received != tail_seen ->
            received++;
            STORE(head, received)
        od;
        if
        :: received == RECORDS -> break
        :: received < RECORDS
        fi;
        STORE(consumer_awake, 0);
#ifndef NO_CONSUMER_FENCE
        DRAINED(consumer_awake) && DRAINED(head);
#endif
        if
#ifndef NO_RECHECK
        :: tail != received -> STORE(consumer_awake, 1)
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
