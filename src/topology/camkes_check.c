/* SPDX-License-Identifier: BSD-2-Clause */
#include "topology/camkes_check.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "hosts/camkes/instance.h"
#include "topology/camkes_checker.h"

#define DEVICE_PAGE 4096u /* of a device's registers, so that no two devices share one */

__attribute__((format(printf, 2, 3))) static void violation(struct camkes_checker *checker,
                                                            const char *format, ...)
{
    va_list arguments;
    checker->violations++;
    fputs("capdl: VIOLATION: ", checker->out);
    va_start(arguments, format);
    vfprintf(checker->out, format, arguments);
    va_end(arguments);
    fputc('\n', checker->out);
}

static const char *words(unsigned rights)
{
    static const char *const names[] = {"no right", "r", "w", "rw", "x", "rx", "wx", "rwx"};
    return names[rights & 7u];
}

static const char *instance_name(const struct camkes_checker *checker, unsigned instance)
{
    return checker->system->instance[instance].name;
}

static void index_caps(struct camkes_checker *checker)
{
    const struct capdl *capdl = checker->capdl;
    for (unsigned i = 0; i < capdl->object_count; i++)
        checker->first[i] = capdl->cap_count;
    for (unsigned i = capdl->cap_count; i-- > 0;)
        checker->first[capdl->cap[i].container] = i;
    for (unsigned i = 0; i + 1 < capdl->cap_count; i++)
        if (capdl->cap[i].container != capdl->cap[i + 1].container &&
            checker->first[capdl->cap[i + 1].container] != i + 1)
            violation(checker, "%s stands in the file twice",
                      object_of(checker, capdl->cap[i + 1].container)->name);
}

static void walk_table(struct camkes_checker *checker, unsigned instance, unsigned table,
                       unsigned depth)
{
    for (const struct capdl_cap *cap = next_cap(checker, table, NULL); cap;
         cap = next_cap(checker, table, cap)) {
        const struct capdl_object *object = object_of(checker, cap->object);
        if (object->type == CAPDL_TABLE && depth < 4)
            walk_table(checker, instance, cap->object, depth + 1);
        else if (object->type == CAPDL_FRAME)
            checker->mapped[cap->object][instance] |= (uint8_t)cap->rights;
        else
            violation(checker, "%s has %s in its page tables", instance_name(checker, instance),
                      object->name);
    }
}

static void find_instance(struct camkes_checker *checker, unsigned instance)
{
    struct camkes_found *found = &checker->found[instance];
    char name[SL_NAME_SIZE * 3];
    const char *own = instance_name(checker, instance);
    snprintf(name, sizeof name, "%s_wake", own);
    found->wake = capdl_find(checker->capdl, name);
    snprintf(name, sizeof name, "%s_%s_0_control_tcb", own, own);
    found->tcb = capdl_find(checker->capdl, name);
    found->cnode = found->table = -1;
    if (found->tcb >= 0) {
        found->cnode = slot(checker, (unsigned)found->tcb, "cspace");
        found->table = slot(checker, (unsigned)found->tcb, "vspace");
    }
    if (found->cnode < 0 || found->table < 0) {
        violation(checker, "%s: its thread, capabilities or address space are missing", own);
        return;
    }
    for (unsigned other = 0; other < instance; other++)
        if (checker->found[other].cnode == found->cnode ||
            checker->found[other].table == found->table)
            violation(checker, "%s and %s are one", own, instance_name(checker, other));
    walk_table(checker, instance, (unsigned)found->table, 0);
}

/* Threads and capability spaces that are no component's. */
static void check_strangers(struct camkes_checker *checker)
{
    for (unsigned i = 0; i < checker->capdl->object_count; i++) {
        const struct capdl_object *object = object_of(checker, i);
        bool known =
            object->type != CAPDL_TCB && object->type != CAPDL_CNODE && object->type != CAPDL_OTHER;
        for (unsigned n = 0; n < checker->system->instance_count; n++)
            known |= checker->found[n].tcb == (int)i || checker->found[n].cnode == (int)i;
        if (!known)
            violation(checker, "%s is no part of the topology", object->name);
    }
}

static bool has_owner(const struct camkes_checker *checker, const struct capdl_object *frame)
{
    bool found = false;
    for (unsigned i = 0; i < checker->system->instance_count; i++)
        found |= camkes_owns_device(checker->system, i, frame->address);
    return found;
}

/* `region` NULL: of a device. */
static unsigned wanted_rights(const struct camkes_checker *checker,
                              const struct camkes_region *region, const struct capdl_object *frame,
                              unsigned instance)
{
    if (!region)
        return camkes_owns_device(checker->system, instance, frame->address)
                   ? CAPDL_READ | CAPDL_WRITE
                   : 0;
    for (unsigned end = 0; end < 2; end++)
        if (region->end[end] == instance)
            return CAPDL_READ | (region->rights[end] & RIGHT_WRITE ? CAPDL_WRITE : 0);
    return 0;
}

static void check_private(struct camkes_checker *checker, unsigned frame)
{
    int owner = -1;
    for (unsigned i = 0; i < checker->system->instance_count; i++) {
        if (!checker->mapped[frame][i])
            continue;
        if (owner >= 0)
            violation(checker, "%s and %s share %s, which is no part of the topology",
                      instance_name(checker, (unsigned)owner), instance_name(checker, i),
                      object_of(checker, frame)->name);
        owner = (int)i;
    }
}

static void check_frame(struct camkes_checker *checker, unsigned frame, uint64_t size[])
{
    const struct capdl_object *object = object_of(checker, frame);
    const struct camkes_region *region = camkes_region_of(checker, object);
    for (unsigned i = 0; i < checker->system->instance_count; i++)
        if ((checker->mapped[frame][i] & (CAPDL_WRITE | CAPDL_EXECUTE)) ==
            (CAPDL_WRITE | CAPDL_EXECUTE))
            violation(checker, "%s may write and execute %s", instance_name(checker, i),
                      object->name);
    if (object->has_address) {
        if (!has_owner(checker, object))
            violation(checker, "%s is at 0x%" PRIx64 ", where the plan has no device", object->name,
                      object->address);
        if (object->size != DEVICE_PAGE)
            violation(checker, "%s has %" PRIu64 " bytes at 0x%" PRIx64 ", a device page has %u",
                      object->name, object->size, object->address, DEVICE_PAGE);
        region = NULL;
    } else if (!region) {
        check_private(checker, frame);
        return;
    } else {
        size[region - checker->system->region] += object->size;
    }
    for (unsigned i = 0; i < checker->system->instance_count; i++) {
        unsigned wanted = wanted_rights(checker, region, object, i);
        if (checker->mapped[frame][i] != wanted)
            violation(checker, "%s has %s of %s, the topology says %s", instance_name(checker, i),
                      words(checker->mapped[frame][i]), object->name, words(wanted));
    }
}

static void check_frames(struct camkes_checker *checker)
{
    uint64_t size[CAMKES_MAX_REGIONS] = {0};
    for (unsigned i = 0; i < checker->capdl->object_count; i++)
        if (object_of(checker, i)->type == CAPDL_FRAME)
            check_frame(checker, i, size);
    for (unsigned i = 0; i < checker->system->region_count; i++)
        if (size[i] != checker->system->region[i].size)
            violation(checker, "%s has %" PRIu64 " bytes, the topology says %" PRIu32,
                      checker->system->region[i].name, size[i], checker->system->region[i].size);
}

/* In how many containers, of the kind given, the object stands. */
static unsigned holders(const struct camkes_checker *checker, unsigned object, enum capdl_type type)
{
    unsigned count = 0;
    for (unsigned i = 0; i < checker->capdl->cap_count; i++)
        count += checker->capdl->cap[i].object == object &&
                 object_of(checker, checker->capdl->cap[i].container)->type == type;
    return count;
}

/* A component's frame capability says no more than what it has mapped, alone or, of a device, with
 * those whose it is too. */
static bool frame_is_own(const struct camkes_checker *checker, unsigned instance,
                         const struct capdl_cap *cap)
{
    const struct capdl_object *frame = object_of(checker, cap->object);
    for (unsigned i = 0; i < checker->system->instance_count; i++)
        if (i != instance && checker->mapped[cap->object][i] &&
            !(frame->has_address && camkes_owns_device(checker->system, i, frame->address)))
            return false;
    return (cap->rights & ~(unsigned)checker->mapped[cap->object][instance]) == 0;
}

/* The bell of the plan that `cap` is, at its sender; -1: none. */
static int bell_of(const struct camkes_checker *checker, unsigned instance,
                   const struct capdl_cap *cap)
{
    for (unsigned i = 0; i < checker->system->bell_count; i++) {
        const struct camkes_bell *bell = &checker->system->bell[i];
        if (bell->from == instance && checker->found[bell->to].wake == (int)cap->object &&
            cap->badge == UINT64_C(1) << bell->badge && cap->rights == CAPDL_WRITE)
            return (int)i;
    }
    return -1;
}

static bool supervises(const struct camkes_checker *checker, unsigned instance)
{
    return checker->system->instance[instance].kind == CAMKES_SUPERVISOR;
}

static bool is_thread(const struct camkes_checker *checker, unsigned object)
{
    bool found = false;
    for (unsigned i = 0; i < checker->system->instance_count; i++)
        found |= checker->found[i].tcb == (int)object;
    return found;
}

static bool is_own(const struct camkes_checker *checker, unsigned instance,
                   const struct capdl_cap *cap)
{
    const struct camkes_found *found = &checker->found[instance];
    switch (object_of(checker, cap->object)->type) {
    case CAPDL_TCB:
        return (int)cap->object == found->tcb ||
               (supervises(checker, instance) && is_thread(checker, cap->object));
    case CAPDL_FRAME:
        return frame_is_own(checker, instance, cap);
    case CAPDL_INTERRUPT:
        return camkes_owns_interrupt(checker->system, instance,
                                     object_of(checker, cap->object)->interrupt);
    case CAPDL_NOTIFICATION: /* its own wake-up, or one that CAmkES gave it for itself alone */
        return (int)cap->object == found->wake
                   ? cap->rights == CAPDL_READ
                   : holders(checker, cap->object, CAPDL_CNODE) == 1 &&
                         holders(checker, cap->object, CAPDL_INTERRUPT) == 0;
    case CAPDL_ENDPOINT:
        if ((int)cap->object == checker->faults)
            return supervises(checker, instance) && cap->rights == CAPDL_READ;
        return holders(checker, cap->object, CAPDL_CNODE) == 1 &&
               holders(checker, cap->object, CAPDL_TCB) == 0;
    case CAPDL_REPLY:
    case CAPDL_SCHEDULING_CONTEXT:
        return holders(checker, cap->object, CAPDL_CNODE) == 1;
    case CAPDL_CNODE:
    case CAPDL_TABLE:
    case CAPDL_OTHER:
        break;
    }
    return false;
}

static bool holds(const struct camkes_checker *checker, unsigned instance, int object)
{
    const unsigned space = (unsigned)checker->found[instance].cnode;
    for (const struct capdl_cap *cap = next_cap(checker, space, NULL); cap;
         cap = next_cap(checker, space, cap))
        if ((int)cap->object == object)
            return true;
    return false;
}

static void check_caps(struct camkes_checker *checker, unsigned instance)
{
    unsigned rung[CAMKES_MAX_BELLS] = {0};
    bool waits = false;
    for (const struct capdl_cap *cap =
             next_cap(checker, (unsigned)checker->found[instance].cnode, NULL);
         cap; cap = next_cap(checker, (unsigned)checker->found[instance].cnode, cap)) {
        int bell = bell_of(checker, instance, cap);
        if (bell >= 0)
            rung[bell]++;
        else if (!is_own(checker, instance, cap))
            violation(checker, "%s holds %s (%s, badge %" PRIu64 "), line %u: not in the topology",
                      instance_name(checker, instance), object_of(checker, cap->object)->name,
                      words(cap->rights), cap->badge, cap->line);
        waits |= (int)cap->object == checker->found[instance].wake;
    }
    for (unsigned i = 0; i < checker->system->bell_count; i++)
        if (checker->system->bell[i].from == instance && rung[i] != 1)
            violation(checker, "%s cannot wake %s", instance_name(checker, instance),
                      instance_name(checker, checker->system->bell[i].to));
    for (unsigned i = 0; supervises(checker, instance) && i < checker->system->instance_count; i++)
        if (i != instance && !holds(checker, instance, checker->found[i].tcb))
            violation(checker, "%s cannot stop %s", instance_name(checker, instance),
                      instance_name(checker, i));
    if (supervises(checker, instance) && !holds(checker, instance, checker->faults))
        violation(checker, "%s receives no faults", instance_name(checker, instance));
    if (waits != checker->system->instance[instance].waits)
        violation(checker, "%s %s for wake-ups", instance_name(checker, instance),
                  waits ? "waits" : "does not wait");
}

/* The scheduling context at `cap` is the instance's alone, and gives it what the plan says. */
static bool time_is_own(struct camkes_checker *checker, unsigned instance,
                        const struct capdl_cap *cap)
{
    const struct capdl_object *object = object_of(checker, cap->object);
    const struct camkes_instance *planned = &checker->system->instance[instance];
    if (object->type != CAPDL_SCHEDULING_CONTEXT || holders(checker, cap->object, CAPDL_TCB) != 1)
        return false;
    if (object->budget != planned->budget || object->period != planned->period)
        violation(checker,
                  "%s has %" PRIu32 " of each %" PRIu32 " microseconds, the plan says %" PRIu32
                  " of %" PRIu32,
                  instance_name(checker, instance), object->budget, object->period, planned->budget,
                  planned->period);
    return true;
}

/* What the kernel itself uses for an instance's thread: its buffer, which the kernel writes
 * messages to, its time and priority, and where it sends its faults. */
static void check_thread(struct camkes_checker *checker, unsigned instance)
{
    unsigned thread = (unsigned)checker->found[instance].tcb;
    bool supervised = supervises(checker, instance), bound = false;
    const struct capdl_object *object = object_of(checker, thread);
    uint32_t priority = checker->system->instance[instance].priority;
    if (object->priority != priority || object->max_priority != priority)
        violation(
            checker, "%s has priority %" PRIu32 ", at most %" PRIu32 ", the plan says %" PRIu32,
            instance_name(checker, instance), object->priority, object->max_priority, priority);
    static const char *const needed[] = {"ipc_buffer_slot", "sc_slot"};
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++)
        if (slot(checker, thread, needed[i]) < 0)
            violation(checker, "the thread of %s has no %s", instance_name(checker, instance),
                      needed[i]);
    for (const struct capdl_cap *cap = next_cap(checker, thread, NULL); cap;
         cap = next_cap(checker, thread, cap)) {
        bool good = !strcmp(cap->slot, "cspace") || !strcmp(cap->slot, "vspace");
        if (!strcmp(cap->slot, "ipc_buffer_slot"))
            good = frame_is_own(checker, instance, cap) &&
                   holders(checker, cap->object, CAPDL_TCB) == 1;
        if (!strcmp(cap->slot, "sc_slot"))
            good = time_is_own(checker, instance, cap);
        if (!strcmp(cap->slot, "fault_ep_slot")) {
            good = !supervises(checker, instance) && (int)cap->object == checker->faults &&
                   cap->badge == instance + 1u && cap->rights == (CAPDL_WRITE | CAPDL_EXECUTE);
            supervised |= good;
        }
        if (!strcmp(cap->slot, "bound_notification"))
            bound = good = supervises(checker, instance) &&
                           (int)cap->object == checker->found[instance].wake &&
                           cap->rights == CAPDL_READ;
        if (!good)
            violation(checker, "the thread of %s has %s as its %s",
                      instance_name(checker, instance), object_of(checker, cap->object)->name,
                      cap->slot);
    }
    if (supervises(checker, instance) && !bound)
        violation(checker, "%s hears no wake-up while it waits for faults",
                  instance_name(checker, instance));
    if (!supervised)
        violation(checker, "faults of %s go to nobody, or not as its own",
                  instance_name(checker, instance));
}

/* An interrupt signals its owner, with the badge of a device. */
static void check_interrupts(struct camkes_checker *checker)
{
    for (unsigned i = 0; i < checker->capdl->object_count; i++) {
        const struct capdl_object *object = object_of(checker, i);
        if (object->type != CAPDL_INTERRUPT)
            continue;
        if (!next_cap(checker, i, NULL))
            violation(checker, "interrupt %" PRIu32 " signals nobody", object->interrupt);
        for (const struct capdl_cap *cap = next_cap(checker, i, NULL); cap;
             cap = next_cap(checker, i, cap)) {
            bool good = false;
            for (unsigned n = 0; n < checker->system->instance_count; n++)
                good |= checker->found[n].wake == (int)cap->object &&
                        camkes_owns_interrupt(checker->system, n, object->interrupt) &&
                        cap->badge == UINT64_C(1) << INSTANCE_BADGE_DEVICE;
            if (!good)
                violation(checker, "interrupt %" PRIu32 " signals %s (badge %" PRIu64 ")",
                          object->interrupt, object_of(checker, cap->object)->name, cap->badge);
        }
    }
}

int camkes_check(const struct camkes_system *system, const struct capdl *capdl,
                 const struct camkes_kernel *kernel, FILE *out)
{
    struct camkes_checker checker = {.system = system, .capdl = capdl, .out = out};
    checker.first = calloc(capdl->object_count + 1, sizeof *checker.first);
    checker.mapped = calloc(capdl->object_count + 1, sizeof *checker.mapped);
    if (!checker.first || !checker.mapped) {
        fputs("capdl: VIOLATION: out of memory: nothing is known\n", out);
        free(checker.first);
        free(checker.mapped);
        return 1;
    }
    checker.faults = capdl_find(capdl, "supervisor_faults");
    index_caps(&checker);
    for (unsigned i = 0; i < system->instance_count; i++)
        find_instance(&checker, i);
    bool whole = true;
    for (unsigned i = 0; i < system->instance_count; i++)
        whole &= checker.found[i].cnode >= 0 && checker.found[i].table >= 0;
    check_strangers(&checker);
    check_frames(&checker);
    for (unsigned i = 0; whole && i < system->instance_count; i++) {
        check_caps(&checker, i);
        check_thread(&checker, i);
    }
    check_interrupts(&checker);
    if (whole)
        checker.violations += camkes_check_flows(&checker, kernel);
    if (!kernel->known)
        fputs("capdl: not looked at: the kernel's configuration (exported timer registers)\n", out);
    free(checker.first);
    free(checker.mapped);
    if (checker.violations == 0)
        fprintf(out,
                "capdl: ok: %u objects, %u capabilities: every component has what the "
                "topology says, no more and no less\n",
                capdl->object_count, capdl->cap_count);
    return checker.violations;
}

bool camkes_read_kernel(struct camkes_kernel *kernel, FILE *in, const char *name, FILE *errors)
{
    char line[512];
    bool is_kernel = false;
    *kernel = (struct camkes_kernel){.known = true};
    while (fgets(line, sizeof line, in)) {
        is_kernel |= strstr(line, "CONFIG_KERNEL_STACK_BITS") != NULL;
        kernel->timers |= !strncmp(line, "#define CONFIG_EXPORT_PTMR_USER", 31) ||
                          !strncmp(line, "#define CONFIG_EXPORT_VTMR_USER", 31);
    }
    if (!is_kernel)
        fprintf(errors, "%s: no kernel configuration (gen_config.h)\n", name);
    return is_kernel;
}
