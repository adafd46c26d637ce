/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two processes, on two CPUs where there are two, push self-checking records through one ring as
 * fast as they can.
 *
 *     ring_stress message|oneway|frame RECORDS
 *
 * Prints one JSON line. Exit status 1, with the cause on standard error, when a record is lost,
 * doubled, out of order or torn, when received + lost is not what was sent (one-way), or when an
 * end sleeps although the other has something for it.
 */
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "ring/frame_queue.h"
#include "ring/message_ring.h"
#include "ring/oneway_ring.h"
#include "sluice/barrier.h"

#define MESSAGE_CAPACITY (64u * 1024)
#define MESSAGE_LONGEST  300u
#define ONEWAY_SLOT      128u
#define ONEWAY_SLOTS     8u /* few, so that laps are frequent and tight */
#define FRAME_CAPACITY   512u
#define LONGEST_BATCH    1024u
#define PATIENCE_SECONDS 60 /* an end that waits longer has missed a wake-up */

static uint64_t records;
static int to_consumer, to_producer; /* eventfds */
static struct {                      /* in shared memory: what the ends tell each other */
    uint64_t received, lost, wakes;
    _Atomic uint64_t place, held, looked; /* one-way: see MEETING */
    _Atomic uint32_t producer_done, failed;
} * report;

_Noreturn __attribute__((format(printf, 1, 2))) static void fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("ring_stress: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    if (report)
        sl_store_release(&report->failed, 1);
    _exit(1);
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void *shared(size_t size)
{
    void *memory =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (memory == MAP_FAILED)
        fail("mmap: %s", strerror(errno));
    return memory;
}

static void notify(int eventfd)
{
    const uint64_t one = 1;
    if (write(eventfd, &one, sizeof(one)) != sizeof(one))
        fail("eventfd: %s", strerror(errno));
}

static void sleep_on(int eventfd, const char *who)
{
    struct pollfd poll_for = {.fd = eventfd, .events = POLLIN};
    uint64_t count;
    if (poll(&poll_for, 1, PATIENCE_SECONDS * 1000) != 1)
        fail("the %s was not woken in %d seconds: lost wake-up", who, PATIENCE_SECONDS);
    if (read(eventfd, &count, sizeof(count)) != sizeof(count))
        fail("eventfd: %s", strerror(errno));
}

/* One turn of a loop that waits for what the other end does; it may need our CPU for that. */
struct patience {
    unsigned turns;
    double give_up;
};

static void be_patient(struct patience *patience)
{
    const struct timespec moment = {.tv_nsec = 50000};
    if (++patience->turns % 64 != 0)
        return;
    if (patience->turns == 64)
        patience->give_up = now() + PATIENCE_SECONDS;
    if (sl_load_relaxed(&report->failed))
        _exit(1);
    if (now() > patience->give_up)
        fail("the other end goes no further: lost wake-up");
    if (patience->turns < 4096)
        sched_yield();
    else
        nanosleep(&moment, NULL);
}

/* splitmix64: every record's length and bytes follow from its number */
static uint64_t mix(uint64_t value)
{
    value += UINT64_C(0x9e3779b97f4a7c15);
    value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
    return value ^ (value >> 31);
}

/* The number itself, then words that differ from record to record and from word to word. */
static void fill(void *record, uint32_t length, uint64_t number)
{
    uint64_t words[MESSAGE_LONGEST / 8 + 1];
    const uint64_t seed = mix(number);
    words[0] = number;
    for (uint64_t i = 1; i < sizeof(words) / sizeof(words[0]) && 8 * i < length; i++)
        words[i] = seed + i * UINT64_C(0x9e3779b97f4a7c15);
    memcpy(record, words, length);
}

static void check(const void *record, uint32_t length, uint64_t number)
{
    uint8_t wanted[MESSAGE_LONGEST + 8];
    uint64_t found;
    memcpy(&found, record, sizeof(found));
    if (found != number)
        fail("record %llu came where %llu was due: lost, doubled or out of order",
             (unsigned long long)found, (unsigned long long)number);
    fill(wanted, length, number);
    if (memcmp(wanted, record, length) != 0)
        fail("record %llu is torn", (unsigned long long)number);
}

static uint32_t length_of(uint64_t number, uint32_t longest)
{
    return 8 + (uint32_t)(mix(number ^ 0x5555) % (longest - 7));
}

static uint64_t batch_after(uint64_t number)
{
    const uint64_t random = mix(~number);
    return random % 4 == 0 ? 1 : 1 + (random >> 8) % LONGEST_BATCH;
}

static struct message_ring_producer_half *message_producer_half;
static struct message_ring_consumer_half *message_consumer_half;

/* Until the consumer's head is at least `head`: as a drained ring is where sleep and put meet. */
static void wait_for_head(const struct message_ring_producer *ring, uint32_t head)
{
    struct patience patience = {0};
    while (ring->tail - sl_load_acquire(&ring->theirs->head) > ring->tail - head)
        be_patient(&patience);
}

/* Until the consumer of an empty ring says that it sleeps: what comes next has to wake it. */
static void wait_for_flag(const _Atomic uint32_t *flag, uint32_t asleep)
{
    struct patience patience = {0};
    while (sl_load_acquire(flag) != asleep)
        be_patient(&patience);
}

static void message_produce(void)
{
    struct message_ring_producer ring;
    uint8_t record[MESSAGE_LONGEST + 8];
    message_ring_producer_init(&ring, message_producer_half, message_consumer_half,
                               message_ring_region_size(MESSAGE_CAPACITY));
    uint64_t batch_end = batch_after(0);
    for (uint64_t number = 0; number < records; number++) {
        const uint32_t length = length_of(number, MESSAGE_LONGEST);
        const uint32_t first = (uint32_t)(number % 8);
        fill(record, length, number);
        enum ring_result result;
        while ((result = message_ring_put(&ring, record, first, record + first, length - first)) ==
               RING_FULL) {
            if (message_ring_should_notify(&ring))
                notify(to_consumer);
            wait_for_head(&ring, ring.head + MESSAGE_CAPACITY / 4);
        }
        if (result != RING_OK)
            fail("the producer sees a fault");
        if (number == batch_end || number + 1 == records) {
            if (message_ring_should_notify(&ring))
                notify(to_consumer);
            if (number % 4 == 0)
                wait_for_head(&ring, ring.tail);
            if (number % 16 == 0 && number + 1 < records)
                wait_for_flag(&ring.theirs->wants_wake, 1);
            batch_end = number + batch_after(number);
        }
    }
}

static void message_consume(void)
{
    struct message_ring_consumer ring;
    uint8_t record[MESSAGE_LONGEST + 8];
    message_ring_consumer_init(&ring, message_producer_half, message_consumer_half,
                               message_ring_region_size(MESSAGE_CAPACITY));
    while (report->received < records) {
        uint32_t length = 0;
        const enum ring_result result = message_ring_take(&ring, record, sizeof(record), &length);
        if (result == RING_OK) {
            if (length != length_of(report->received, MESSAGE_LONGEST))
                fail("record %llu has the wrong length", (unsigned long long)report->received);
            check(record, length, report->received);
            report->received++;
        } else if (result != RING_EMPTY) {
            fail("the consumer sees a fault");
        } else if (message_ring_may_sleep(&ring)) {
            sleep_on(to_consumer, "consumer");
            report->wakes++;
        }
    }
}

/*
 * One-way, the two ends meet at every record whose number is a multiple of MEETING: all before it
 * is taken. Then the producer goes once round, and stops in the middle of the put that overwrites
 * the consumer's next slot, as an interrupt may stop it, until the consumer has looked. So some
 * records are compared and some lost, whoever is faster and however many CPUs there are; between
 * meetings both run free.
 */
#define MEETING 4096u

static struct oneway_ring *oneway_region;
static uint8_t *oneway_record; /* its second half is on a page of its own */
static size_t page_size;

static bool is_held(uint64_t number)
{
    return number % MEETING == ONEWAY_SLOTS;
}

static uint32_t oneway_length(uint64_t number)
{
    return is_held(number) ? ONEWAY_SLOT : length_of(number, ONEWAY_SLOT);
}

static uint8_t *second_page(void)
{
    return oneway_record + ONEWAY_SLOT / 2;
}

static void hold(int signal, siginfo_t *info, void *context)
{
    struct patience patience = {0};
    (void)context;
    if (info->si_addr != second_page())
        _exit(128 + signal);
    sl_store_release(&report->held, sl_load_relaxed(&report->held) + 1);
    while (sl_load_acquire(&report->looked) < sl_load_relaxed(&report->held))
        be_patient(&patience);
    mprotect(second_page(), page_size, PROT_READ | PROT_WRITE);
}

static void oneway_produce(void)
{
    struct oneway_producer ring;
    const struct sigaction on_fault = {.sa_sigaction = hold, .sa_flags = SA_SIGINFO};
    page_size = (size_t)sysconf(_SC_PAGESIZE);
    oneway_record = (uint8_t *)shared(2 * page_size) + page_size - ONEWAY_SLOT / 2;
    sigaction(SIGSEGV, &on_fault, NULL);
    oneway_producer_init(&ring, oneway_region, oneway_ring_region_size(ONEWAY_SLOT, ONEWAY_SLOTS),
                         ONEWAY_SLOT);
    for (uint64_t number = 0; number < records; number++) {
        const uint32_t length = oneway_length(number);
        struct patience patience = {0};
        while (number % MEETING == 0 && sl_load_acquire(&report->place) < number)
            be_patient(&patience);
        fill(oneway_record, length, number);
        if (is_held(number))
            mprotect(second_page(), page_size, PROT_NONE);
        oneway_put(&ring, oneway_record, length);
        /* pauses, so that the consumer is sometimes ahead and sometimes lapped */
        if (number % 128 == 0)
            for (uint64_t i = mix(number) % 4096; i > 0; i--)
                (void)sl_load_relaxed(&report->producer_done);
    }
}

static void oneway_consume(void)
{
    struct oneway_consumer ring;
    uint64_t record[ONEWAY_SLOT / 8], meetings = 0;
    static const uint8_t zeros[ONEWAY_SLOT];
    oneway_consumer_init(&ring, oneway_region, oneway_ring_region_size(ONEWAY_SLOT, ONEWAY_SLOTS),
                         ONEWAY_SLOT);
    for (;;) {
        struct patience patience = {0};
        const uint32_t done = sl_load_acquire(&report->producer_done);
        const bool meet = ring.next == meetings * MEETING;
        if (meet) {
            sl_store_release(&report->place, ring.next);
            meetings++;
            while (sl_load_acquire(&report->held) < meetings &&
                   !sl_load_relaxed(&report->producer_done))
                be_patient(&patience);
        }
        const enum ring_result result = oneway_take(&ring, record);
        if (result == RING_OK) {
            const uint64_t number = ring.next - 1;
            const uint32_t length = oneway_length(number);
            check(record, length, number);
            if (memcmp((const uint8_t *)record + length, zeros, ONEWAY_SLOT - length) != 0)
                fail("record %llu is not padded with zeros", (unsigned long long)number);
            report->received++;
        }
        if (meet)
            sl_store_release(&report->looked, meetings);
        if (result == RING_FAULT)
            fail("the consumer sees a fault");
        if (result == RING_EMPTY && done && ring.next == records)
            break;
        if (result == RING_EMPTY)
            sched_yield();
    }
    report->lost = ring.lost;
    if (report->received + report->lost != records)
        fail("%llu received and %llu lost of %llu: unaccounted",
             (unsigned long long)report->received, (unsigned long long)report->lost,
             (unsigned long long)records);
}

#define FRAME_CONSUMER_ASLEEP 0u /* frame_ring's consumer_signalled */

static struct frame_ring *frame_free, *frame_active;
static uint8_t *frame_data;

/* As a driver and its frontend do: buffers go round through both queues, and both ends sleep. */
static void frame_produce(void)
{
    struct frame_end empty, full;
    frame_end_init(&empty, frame_free, FRAME_CAPACITY);
    frame_end_init(&full, frame_active, FRAME_CAPACITY);
    uint64_t number = 0, batch_end = batch_after(0);
    while (number < records) {
        uint64_t offset = 0;
        uint16_t length = 0;
        const enum ring_result result = frame_take(&empty, &offset, &length);
        if (result == RING_OK) {
            length = (uint16_t)length_of(number, MESSAGE_LONGEST);
            fill(frame_data + offset, length, number);
            if (frame_put(&full, offset, length) != RING_OK)
                fail("more descriptors than buffers");
            number++;
            if (number < batch_end && number < records)
                continue;
            batch_end = number + batch_after(number);
        } else if (result != RING_EMPTY) {
            fail("the producer sees a fault");
        }
        if (frame_should_notify(&full))
            notify(to_consumer);
        if (number % 8 == 0 && number < records)
            wait_for_flag(&full.shared->consumer_signalled, FRAME_CONSUMER_ASLEEP);
        if (result == RING_EMPTY && frame_may_sleep(&empty))
            sleep_on(to_producer, "producer");
    }
}

static void frame_consume(void)
{
    struct frame_end empty, full;
    frame_end_init(&empty, frame_free, FRAME_CAPACITY);
    frame_end_init(&full, frame_active, FRAME_CAPACITY);
    for (uint64_t i = 0; i < FRAME_CAPACITY; i++)
        if (frame_put(&empty, i * FRAME_BUFFER_SIZE, 0) != RING_OK)
            fail("the free queue does not hold its capacity");
    if (frame_should_notify(&empty))
        notify(to_producer);
    while (report->received < records) {
        uint64_t offset = 0;
        uint16_t length = 0;
        const enum ring_result result = frame_take(&full, &offset, &length);
        if (result == RING_OK) {
            if (length != length_of(report->received, MESSAGE_LONGEST))
                fail("frame %llu has the wrong length", (unsigned long long)report->received);
            check(frame_data + offset, length, report->received);
            if (frame_put(&empty, offset, 0) != RING_OK)
                fail("more descriptors than buffers");
            report->received++;
            continue;
        }
        if (result != RING_EMPTY)
            fail("the consumer sees a fault");
        if (frame_should_notify(&empty))
            notify(to_producer);
        if (frame_may_sleep(&full)) {
            sleep_on(to_consumer, "consumer");
            report->wakes++;
        }
    }
}

static const struct {
    const char *name;
    void (*produce)(void), (*consume)(void);
} rings[] = {
    {"message", message_produce, message_consume},
    {"oneway", oneway_produce, oneway_consume},
    {"frame", frame_produce, frame_consume},
};

/* The first allowed CPU, or the last. */
static int pin(int last)
{
    cpu_set_t allowed, one;
    size_t chosen = CPU_SETSIZE;
    if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0)
        return -1;
    for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, &allowed) && (chosen == CPU_SETSIZE || last))
            chosen = cpu;
    if (chosen == CPU_SETSIZE)
        return -1;
    CPU_ZERO(&one);
    CPU_SET(chosen, &one);
    sched_setaffinity(0, sizeof(one), &one);
    return (int)chosen;
}

int main(int argc, char **argv)
{
    size_t ring = 0;
    while (argc == 3 && ring < 3 && strcmp(argv[1], rings[ring].name) != 0)
        ring++;
    if (argc != 3 || ring == 3 || (records = strtoull(argv[2], NULL, 10)) == 0) {
        fprintf(stderr, "usage: ring_stress message|oneway|frame RECORDS\n");
        return 2;
    }

    report = shared(sizeof(*report));
    message_producer_half = shared(message_ring_region_size(MESSAGE_CAPACITY));
    message_consumer_half = shared(sizeof(*message_consumer_half));
    oneway_region = shared(oneway_ring_region_size(ONEWAY_SLOT, ONEWAY_SLOTS));
    frame_free = shared(frame_ring_region_size(FRAME_CAPACITY));
    frame_active = shared(frame_ring_region_size(FRAME_CAPACITY));
    frame_data = shared(frame_data_region_size(FRAME_CAPACITY));
    to_consumer = eventfd(0, 0);
    to_producer = eventfd(0, 0);

    const double start = now();
    const pid_t consumer = fork();
    if (consumer < 0)
        fail("fork: %s", strerror(errno));
    if (consumer == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        pin(1);
        rings[ring].consume();
        _exit(0);
    }
    const int producer_cpu = pin(0);
    rings[ring].produce();
    sl_store_release(&report->producer_done, 1);

    int status = 0;
    if (waitpid(consumer, &status, 0) != consumer || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return 1;
    const double seconds = now() - start;
    printf("{\"ring\":\"%s\",\"records\":%llu,\"received\":%llu,\"lost\":%llu,\"wakes\":%llu,"
           "\"seconds\":%.2f,\"nanoseconds_per_record\":%.1f,\"producer_cpu\":%d}\n",
           rings[ring].name, (unsigned long long)records, (unsigned long long)report->received,
           (unsigned long long)report->lost, (unsigned long long)report->wakes, seconds,
           seconds * 1e9 / (double)records, producer_cpu);
    return 0;
}
