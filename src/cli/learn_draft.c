/* SPDX-License-Identifier: BSD-2-Clause */
/* A Modbus draft: rules, with what was seen as comments. */
#include <stdlib.h>
#include <string.h>

#include "cli/learn_rules.h"
#include "cli/learn_text.h"
#include "cli/learnt.h"
#include "policy/compiler/modbus_words.h"
#include "policy/compiler/model.h"
#include "policy/compiler/scalars.h"

#define VALUES_SHOWN 12u
#define MAX_RECORD   9999u

struct draft {
    struct learn_text text;
    const struct learnt *learnt;
    struct learn_rule *rule;
    size_t count;
};

static bool has_addresses(unsigned access)
{
    return learn_is_read(access) || access == MODBUS_ACCESS_READ_FIFO_QUEUE ||
           (ACCESS(access) & (ACCESSES_WRITING_COILS | ACCESSES_WRITING_REGISTERS));
}

/* --- text ---------------------------------------------------------------------------------- */

static void put_value(struct draft *draft, const struct learn_rule *rule,
                      const struct learnt_value *value)
{
    const bool coil = ACCESS(rule->access) & ACCESSES_WRITING_COILS;
    fprintf(draft->text.out, "      #   %s %u: ", coil ? "coil" : "register", value->address);
    if (coil)
        fputs(value->low != value->high ? "on and off"
              : value->low              ? "on"
                                        : "off",
              draft->text.out);
    else if (value->low == value->high)
        fprintf(draft->text.out, "%u", value->low);
    else
        fprintf(draft->text.out, "%u-%u", value->low, value->high);
    fprintf(draft->text.out, " (%llu time%s)\n", (unsigned long long)value->count,
            value->count == 1 ? "" : "s");
}

static void put_values(struct draft *draft, const struct learn_rule *rule)
{
    const struct learnt_value *values = rule->values.items;
    const size_t count = rule->values.count;
    if (!count)
        return;
    fputs("      # values written, to limit with `value:`\n", draft->text.out);
    for (size_t i = 0; i < count && (i < VALUES_SHOWN || count <= VALUES_SHOWN + 1); i++)
        put_value(draft, rule, &values[i]);
    if (count <= VALUES_SHOWN + 1)
        return;
    uint16_t low = UINT16_MAX, high = 0;
    for (size_t i = VALUES_SHOWN; i < count; i++) {
        low = values[i].low < low ? values[i].low : low;
        high = values[i].high > high ? values[i].high : high;
    }
    fprintf(draft->text.out, "      #   at %zu more addresses: %u-%u\n", count - VALUES_SHOWN, low,
            high);
}

static const char *rule_word(unsigned access)
{
    if (access == MODBUS_ACCESS_READ_WRITE_READ)
        return "read";
    if (access == MODBUS_ACCESS_READ_WRITE_WRITE)
        return "read-write-multiple-registers";
    for (size_t i = 0; i < modbus_word_count; i++)
        if (modbus_words[i].accesses == ACCESS(access))
            return modbus_words[i].name;
    return "read"; /* every other access has a word of its own */
}

static void put_rule(struct draft *draft, const struct learn_rule *rule)
{
    FILE *out = draft->text.out;
    fputs("      # ", out);
    learn_put_times(&draft->text, &rule->times, "request");
    putc('\n', out);
    if (rule->access == MODBUS_ACCESS_READ_WRITE_READ)
        fprintf(out, "      # what function 23 reads%s; only `read` can allow it\n",
                rule->also_alone ? ", and other reads of the same" : "");
    if (rule->access == MODBUS_ACCESS_READ_WRITE_WRITE)
        fputs("      # what function 23 writes\n", out);
    if (rule->bridged)
        fprintf(out, "      # gaps of up to %u addresses are read too (--gap)\n",
                draft->text.source->gap);
    put_values(draft, rule);
    fprintf(out, "      - allow: %s\n", rule_word(rule->access));
    learn_put_from(&draft->text, &rule->clients);
    const struct spans units = learn_spans_of(&draft->text, &rule->units);
    learn_put_spans(&draft->text, "unit", &units);
    if (has_addresses(rule->access))
        learn_put_spans(&draft->text, "address", &rule->spans);
    if (rule->access == MODBUS_ACCESS_DIAGNOSTICS)
        learn_put_spans(&draft->text, "subfunction", &rule->spans);
    if (ACCESS(rule->access) & ACCESSES_WITH_FILES) {
        fprintf(out, "        file: %u\n", rule->file);
        if (rule->spans.span[rule->spans.count - 1].high <= MAX_RECORD)
            learn_put_spans(&draft->text, "record", &rule->spans);
    }
}

/* --- the other sections -------------------------------------------------------------------- */

static void put_unknown(struct draft *draft)
{
    const struct learnt *learnt = draft->learnt;
    for (unsigned function = 1; function < 128; function++)
        if (learnt->unknown[function])
            fprintf(draft->text.out,
                    "# Function %u, which is not known here, was asked for %llu times: `opaque` of "
                    "the\n# service and a rule could let it pass.\n",
                    function, (unsigned long long)learnt->unknown[function]);
}

static void put_service(struct draft *draft, const struct learn_rule *rule, uint32_t listen)
{
    char device[ADDRESS_TEXT_SIZE], own[ADDRESS_TEXT_SIZE];
    ipv4_text(rule->server, device);
    fprintf(draft->text.out,
            "  - name: device-%s-%u\n"
            "    protocol: modbus-tcp\n"
            "    listen: %s:%u  # CHANGE: where clients are to connect\n"
            "    device: %s:%u\n"
            "    rules:\n",
            device, rule->port, ipv4_text(listen, own), rule->port, device, rule->port);
}

static bool put_services(struct draft *draft, uint32_t external, FILE *errors)
{
    unsigned services = 0;
    size_t rules = 0;
    fputs("\nservices:\n", draft->text.out);
    for (size_t i = 0; i < draft->count; i++) {
        if (i == 0 || learn_compare_device(&draft->rule[i], &draft->rule[i - 1])) {
            if (i)
                putc('\n', draft->text.out);
            put_service(draft, &draft->rule[i], external | (LEARN_FIRST_LISTEN + services));
            services++;
            rules = 0;
        } else {
            putc('\n', draft->text.out);
        }
        put_rule(draft, &draft->rule[i]);
        if (!learn_fits(services, ++rules, errors))
            return false;
    }
    return true;
}

static void gather_addresses(struct draft *draft)
{
    const struct learnt *learnt = draft->learnt;
    struct learn_numbers *const clients = &draft->text.clients, *const servers =
                                                                    &draft->text.servers;
    clients->number = arena_take(draft->text.arena, learnt->count * sizeof *clients->number);
    servers->number = arena_take(draft->text.arena, learnt->count * sizeof *servers->number);
    for (size_t i = 0; i < learnt->count; i++) {
        clients->number[clients->count++] = learnt->access[i]->key.client;
        servers->number[servers->count++] = learnt->access[i]->key.server;
    }
    learn_sort(clients);
    learn_sort(servers);
}

bool learn_draft(const struct learnt *learnt, const struct learn_source *source, FILE *out,
                 FILE *errors)
{
    struct arena arena = {0};
    struct draft draft = {.learnt = learnt,
                          .text = {.out = out, .source = source, .arena = &arena}};
    draft.rule = learn_rules(&arena, learnt, source->gap, &draft.count);
    gather_addresses(&draft);
    learn_put_head(&draft.text, &learnt->counts);
    put_unknown(&draft);
    const uint32_t external = learn_put_gateway(&draft.text);
    learn_put_hosts(&draft.text);
    const bool whole = put_services(&draft, external, errors);
    arena_free(&arena);
    return whole;
}
