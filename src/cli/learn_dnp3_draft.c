/* SPDX-License-Identifier: BSD-2-Clause */
/* A DNP3 draft: kinds of messages joined to rules, and these as text. */
#include <stdlib.h>
#include <string.h>

#include "cli/learnt.h"
#include "cli/learnt_dnp3.h"
#include "policy/compiler/scalars.h"
#include "protocols/dnp3/names.h"
#include "protocols/dnp3/objects.h"
#include "sluice/config.h"

#define VALUES_SHOWN 12u

/* Which one of several numbers a rule is for: what rules may differ in and still be joined. */
enum differing { FUNCTIONS, CLIENTS, OUTSTATIONS, DIFFERING };

struct rule {
    struct learnt_dnp3_key key;           /* of the first kind in it */
    struct learn_numbers list[DIFFERING]; /* ascending */
    struct spans indexes;
    uint8_t operations, trip_close;
    struct arena_list values;
    struct learnt_times times;
    bool bridged, gone;
};

struct draft {
    struct learn_text text;
    struct learnt_dnp3 *learnt;
    struct rule *rule;
    size_t count;
};

/* --- rules --------------------------------------------------------------------------------- */

/* Gaps are bridged where nothing but reading comes of it. */
static struct spans joined(struct draft *draft, struct learnt_dnp3_kind *kind, bool *bridged)
{
    const struct spans exact = spans_of(&kind->indexes);
    const uint32_t gap = kind->key.function == DNP3_READ ? draft->text.source->gap : 0;
    struct span *span = arena_take(draft->text.arena, (exact.count + 1) * sizeof *span);
    size_t count = 0;
    for (size_t i = 0; i < exact.count; i++) {
        if (count && exact.span[i].low - span[count - 1].high - 1 <= gap) {
            *bridged = true;
            span[count - 1].high = exact.span[i].high;
        } else {
            span[count++] = exact.span[i];
        }
    }
    return (struct spans){.count = count, .span = span};
}

static struct learn_numbers one_number(struct draft *draft, uint32_t number)
{
    uint32_t *place = arena_take(draft->text.arena, sizeof *place);
    *place = number;
    return (struct learn_numbers){place, 1};
}

static void make_rules(struct draft *draft)
{
    struct learnt_dnp3_kind **const kind = draft->learnt->kinds.items;
    draft->count = draft->learnt->kinds.count;
    draft->rule = arena_take(draft->text.arena, draft->count * sizeof *draft->rule);
    for (size_t i = 0; i < draft->count; i++) {
        struct rule *const rule = &draft->rule[i];
        *rule = (struct rule){.key = kind[i]->key,
                              .operations = kind[i]->operations,
                              .trip_close = kind[i]->trip_close,
                              .values = kind[i]->values,
                              .times = kind[i]->times};
        rule->list[FUNCTIONS] = one_number(draft, rule->key.function);
        rule->list[CLIENTS] = one_number(draft, rule->key.client);
        rule->list[OUTSTATIONS] = one_number(draft, rule->key.outstation);
        rule->indexes = joined(draft, kind[i], &rule->bridged);
    }
}

static bool same_spans(const struct spans *a, const struct spans *b)
{
    return spans_include(a, b) && spans_include(b, a);
}

static bool same_numbers(const struct learn_numbers *a, const struct learn_numbers *b)
{
    return a->count == b->count &&
           (a->count == 0 || memcmp(a->number, b->number, a->count * sizeof *a->number) == 0);
}

static bool same_service(const struct rule *a, const struct rule *b)
{
    return a->key.server == b->key.server && a->key.port == b->key.port && a->key.udp == b->key.udp;
}

/* Alike but for their numbers of one kind. */
static bool alike(const struct rule *a, const struct rule *b, enum differing but)
{
    for (unsigned i = 0; i < DIFFERING; i++)
        if (i != but && !same_numbers(&a->list[i], &b->list[i]))
            return false;
    return same_service(a, b) && a->key.master == b->key.master && a->key.every == b->key.every &&
           a->key.blocks == b->key.blocks && a->operations == b->operations &&
           a->trip_close == b->trip_close &&
           memcmp(a->key.groups, b->key.groups, sizeof a->key.groups) == 0 &&
           same_spans(&a->indexes, &b->indexes);
}

/* One rule for several functions where they are about the same objects in the same way. */
static bool joinable(const struct rule *a, const struct rule *b)
{
    const uint8_t role = dnp3_function(a->key.function)->role;
    return role == dnp3_function(b->key.function)->role && role != ROLE_NONE && role != ROLE_OTHER;
}

/* True when `wide` lets pass all that `narrow` would: such a rule has no effect. */
static bool covers(const struct rule *wide, const struct rule *narrow)
{
    for (unsigned i = 0; i < DIFFERING; i++)
        if (!same_numbers(&wide->list[i], &narrow->list[i]))
            return false;
    for (unsigned i = 0; i < LEARNT_GROUP_WORDS; i++)
        if (narrow->key.groups[i] & ~wide->key.groups[i])
            return false;
    if (!wide->key.every && (narrow->key.every || !spans_include(&wide->indexes, &narrow->indexes)))
        return false;
    if (wide->key.blocks && (!narrow->key.blocks || narrow->operations & ~wide->operations ||
                             narrow->trip_close & ~wide->trip_close))
        return false;
    return same_service(wide, narrow) && wide->key.master == narrow->key.master;
}

static void absorb(struct draft *draft, struct rule *into, struct rule *from)
{
    const struct learnt_dnp3_value *more = from->values.items;
    for (size_t i = 0; i < from->values.count; i++)
        *(struct learnt_dnp3_value *)arena_append(draft->text.arena, &into->values, sizeof *more) =
            more[i];
    learnt_time(&into->times, from->times.count, &from->times.first, &from->times.last);
    into->bridged = into->bridged || from->bridged;
    from->gone = true;
}

static void drop_gone(struct draft *draft)
{
    size_t kept = 0;
    for (size_t i = 0; i < draft->count; i++)
        if (!draft->rule[i].gone)
            draft->rule[kept++] = draft->rule[i];
    draft->count = kept;
}

static void drop_covered(struct draft *draft)
{
    for (size_t i = 0; i < draft->count; i++)
        for (size_t j = 0; j < draft->count && !draft->rule[i].gone; j++)
            if (i != j && !draft->rule[j].gone && covers(&draft->rule[i], &draft->rule[j]))
                absorb(draft, &draft->rule[i], &draft->rule[j]);
    drop_gone(draft);
}

static void join_alike(struct draft *draft, enum differing but)
{
    for (size_t i = 0; i < draft->count; i++) {
        struct rule *const into = &draft->rule[i];
        if (into->gone)
            continue;
        struct arena_list all = {0};
        struct learn_numbers *const list = &into->list[but];
        *(uint32_t *)arena_append(draft->text.arena, &all, sizeof(uint32_t)) = list->number[0];
        for (size_t j = i + 1; j < draft->count; j++) {
            struct rule *const from = &draft->rule[j];
            if (from->gone || !alike(into, from, but) ||
                (but == FUNCTIONS && !joinable(into, from)))
                continue;
            *(uint32_t *)arena_append(draft->text.arena, &all, sizeof(uint32_t)) =
                from->list[but].number[0];
            absorb(draft, into, from);
        }
        *list = (struct learn_numbers){all.items, all.count};
        learn_sort(list);
    }
    drop_gone(draft);
}

#define ORDER(a, b)                                                                                \
    do {                                                                                           \
        if ((a) != (b))                                                                            \
            return (a) < (b) ? -1 : 1;                                                             \
    } while (0)

/* As a reader wants them: service, stations, function, client. */
static int by_reader(const void *left, const void *right)
{
    const struct rule *a = left, *b = right;
    ORDER(a->key.server, b->key.server);
    ORDER(a->key.port, b->key.port);
    ORDER(a->key.udp, b->key.udp);
    ORDER(a->list[OUTSTATIONS].number[0], b->list[OUTSTATIONS].number[0]);
    ORDER(a->key.master, b->key.master);
    ORDER(a->list[FUNCTIONS].number[0], b->list[FUNCTIONS].number[0]);
    ORDER(a->list[CLIENTS].number[0], b->list[CLIENTS].number[0]);
    ORDER(a->times.first.tv_sec, b->times.first.tv_sec);
    ORDER(a->times.first.tv_usec, b->times.first.tv_usec);
    return 0;
}

/* --- text ---------------------------------------------------------------------------------- */

/* "operation: latch-on", "trip-close: [close, trip]" */
static void put_names(struct draft *draft, const char *key, unsigned set,
                      const char *(*name)(unsigned))
{
    FILE *out = draft->text.out;
    const bool several = set & (set - 1);
    fprintf(out, "        %s: %s", key, several ? "[" : "");
    const char *before = "";
    for (unsigned i = 0; i < 8; i++)
        if (set >> i & 1 && name(i)) {
            fprintf(out, "%s%s", before, name(i));
            before = ", ";
        }
    fputs(several ? "]\n" : "\n", out);
}

static void put_functions(struct draft *draft, const struct learn_numbers *functions)
{
    FILE *out = draft->text.out;
    fprintf(out, "      - allow: %s", functions->count > 1 ? "[" : "");
    for (size_t i = 0; i < functions->count; i++)
        fprintf(out, "%s%s", i ? ", " : "", dnp3_function_name(functions->number[i]));
    fputs(functions->count > 1 ? "]\n" : "\n", out);
}

static struct spans groups_of(struct draft *draft, const struct rule *rule)
{
    struct arena_list list = {0};
    for (uint32_t group = 0; group < 64 * LEARNT_GROUP_WORDS; group++)
        if (rule->key.groups[group / 64] >> group % 64 & 1)
            *(struct span *)arena_append(draft->text.arena, &list, sizeof(struct span)) =
                (struct span){group, group};
    return spans_of(&list);
}

static void put_values(struct draft *draft, const struct rule *rule)
{
    const struct learnt_dnp3_value *value = rule->values.items;
    FILE *out = draft->text.out;
    if (rule->values.count)
        fputs("      # values commanded, to limit with `value:`\n", out);
    for (size_t i = 0; i < rule->values.count; i++) {
        if (i == VALUES_SHOWN) {
            fprintf(out, "      #   and %zu more outputs\n", rule->values.count - i);
            return;
        }
        fprintf(out, "      #   analog output %u: %.9g", value[i].index, value[i].low);
        if (value[i].low < value[i].high)
            fprintf(out, " to %.9g", value[i].high);
        fprintf(out, " (%llu time%s)\n", (unsigned long long)value[i].count,
                value[i].count == 1 ? "" : "s");
    }
}

static void put_rule(struct draft *draft, const struct rule *rule)
{
    FILE *out = draft->text.out;
    fputs("      # ", out);
    learn_put_times(&draft->text, &rule->times, "request");
    putc('\n', out);
    if (rule->bridged && !rule->key.every)
        fprintf(out, "      # gaps of up to %u indexes are read too (--gap)\n",
                draft->text.source->gap);
    put_values(draft, rule);
    put_functions(draft, &rule->list[FUNCTIONS]);
    learn_put_from(&draft->text, &rule->list[CLIENTS]);
    fprintf(out, "        master: %u\n", rule->key.master);
    const struct spans outstations = learn_spans_of(&draft->text, &rule->list[OUTSTATIONS]);
    learn_put_spans(&draft->text, "outstation", &outstations);
    const struct spans groups = groups_of(draft, rule);
    if (groups.count)
        learn_put_spans(&draft->text, "group", &groups);
    if (!rule->key.every && rule->indexes.count)
        learn_put_spans(&draft->text, "index", &rule->indexes);
    if (rule->key.blocks) {
        put_names(draft, "operation", rule->operations, dnp3_operation_name);
        put_names(draft, "trip-close", rule->trip_close, dnp3_trip_close_name);
    }
}

static bool same_stations(const struct learnt_dnp3_key *a, const struct learnt_dnp3_key *b)
{
    const struct rule left = {.key = *a}, right = {.key = *b};
    return same_service(&left, &right) && a->master == b->master && a->outstation == b->outstation;
}

/* Of requests, then of confirmations, as they first appeared. */
static const struct learnt_dnp3_key *key_at(const struct draft *draft, size_t i)
{
    struct learnt_dnp3_kind **const kind = draft->learnt->kinds.items;
    const struct learnt_dnp3_key *const confirmed = draft->learnt->confirmed.items;
    const size_t kinds = draft->learnt->kinds.count;
    return i < kinds ? &kind[i]->key : &confirmed[i - kinds];
}

/* Each pair of stations once. */
static void put_stations(struct draft *draft, const struct rule *of)
{
    const size_t count = draft->learnt->kinds.count + draft->learnt->confirmed.count;
    fputs("    stations:\n", draft->text.out);
    for (size_t i = 0; i < count; i++) {
        const struct learnt_dnp3_key *const key = key_at(draft, i);
        const struct rule its = {.key = *key};
        bool said = !same_service(&its, of);
        for (size_t j = 0; j < i && !said; j++)
            said = same_stations(key_at(draft, j), key);
        if (!said)
            fprintf(draft->text.out, "      - { master: %u, outstation: %u }\n", key->master,
                    key->outstation);
    }
}

static void put_service(struct draft *draft, const struct rule *rule, uint32_t listen)
{
    char device[ADDRESS_TEXT_SIZE], own[ADDRESS_TEXT_SIZE];
    const struct endpoint *const endpoint = draft->learnt->unsolicited.items;
    FILE *out = draft->text.out;
    ipv4_text(rule->key.server, device);
    fprintf(out,
            "  - name: device-%s-%u%s\n"
            "    protocol: dnp3\n"
            "    transport: %s\n"
            "    listen: %s:%u  # CHANGE: where masters are to connect\n"
            "    device: %s:%u\n",
            device, rule->key.port, rule->key.udp ? "-udp" : "", rule->key.udp ? "udp" : "tcp",
            ipv4_text(listen, own), rule->key.port, device, rule->key.port);
    for (size_t i = 0; i < draft->learnt->unsolicited.count; i++)
        if (endpoint_ipv4(&endpoint[i]) == rule->key.server && endpoint[i].port == rule->key.port)
            fputs("    unsolicited: allow  # such were seen\n", out);
    put_stations(draft, rule);
    fputs("    rules:\n", out);
}

static bool put_services(struct draft *draft, uint32_t external, FILE *errors)
{
    unsigned services = 0;
    size_t rules = 0;
    fputs("\nservices:\n", draft->text.out);
    for (size_t i = 0; i < draft->count; i++) {
        if (i)
            putc('\n', draft->text.out);
        if (i == 0 || !same_service(&draft->rule[i], &draft->rule[i - 1])) {
            put_service(draft, &draft->rule[i], external | (LEARN_FIRST_LISTEN + services));
            services++;
            rules = 0;
        }
        put_rule(draft, &draft->rule[i]);
        if (!learn_fits(services, ++rules, errors))
            return false;
    }
    return true;
}

static void gather_addresses(struct draft *draft)
{
    struct learnt_dnp3_kind **const kind = draft->learnt->kinds.items;
    const size_t count = draft->learnt->kinds.count;
    struct learn_numbers *const clients = &draft->text.clients, *const servers =
                                                                    &draft->text.servers;
    clients->number = arena_take(draft->text.arena, count * sizeof *clients->number);
    servers->number = arena_take(draft->text.arena, count * sizeof *servers->number);
    for (size_t i = 0; i < count; i++) {
        clients->number[clients->count++] = kind[i]->key.client;
        servers->number[servers->count++] = kind[i]->key.server;
    }
    learn_sort(clients);
    learn_sort(servers);
}

bool learn_dnp3_draft(struct learnt_dnp3 *learnt, const struct learn_source *source, FILE *out,
                      FILE *errors)
{
    struct draft draft = {.learnt = learnt,
                          .text = {.out = out, .source = source, .arena = &learnt->arena}};
    make_rules(&draft);
    drop_covered(&draft);
    join_alike(&draft, FUNCTIONS);
    join_alike(&draft, CLIENTS);
    join_alike(&draft, OUTSTATIONS);
    qsort(draft.rule, draft.count, sizeof *draft.rule, by_reader);
    gather_addresses(&draft);
    learn_put_head(&draft.text, &learnt->counts);
    const uint32_t external = learn_put_gateway(&draft.text);
    learn_put_hosts(&draft.text);
    return put_services(&draft, external, errors);
}
