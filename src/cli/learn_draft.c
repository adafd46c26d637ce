/* SPDX-License-Identifier: BSD-2-Clause */
/* The draft as text: rules, and the sections around them, with what was seen as comments. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/learn_rules.h"
#include "cli/learnt.h"
#include "policy/compiler/modbus_words.h"
#include "policy/compiler/model.h"
#include "policy/compiler/scalars.h"

#define VALUES_SHOWN 12u
#define MAX_RULES    4096u /* of one service, as the loader has it */
#define MAX_RECORD   9999u
#define FIRST_LISTEN 10u /* host part of the first service's address of the placeholders */
/* Networks for documentation (RFC 5737): what stands in the draft for addresses to be chosen. */
#define TEST_NET_1 UINT32_C(0xc0000200)
#define TEST_NET_2 UINT32_C(0xc6336400)

struct draft {
    const struct learnt *learnt;
    const struct learn_source *source;
    struct arena arena;
    struct learn_rule *rule;
    size_t count;
    FILE *out;
};

static bool has_addresses(unsigned access)
{
    return learn_is_read(access) || access == MODBUS_ACCESS_READ_FIFO_QUEUE ||
           (ACCESS(access) & (ACCESSES_WRITING_COILS | ACCESSES_WRITING_REGISTERS));
}

/* --- text ---------------------------------------------------------------------------------- */

static const char *time_text(struct draft *draft, const struct timeval *time)
{
    char text[sizeof "2016-11-02 13:01:01Z"] = "?";
    struct tm utc;
    const time_t seconds = time->tv_sec;
    if (gmtime_r(&seconds, &utc))
        strftime(text, sizeof text, "%Y-%m-%d %H:%M:%SZ", &utc);
    return arena_printf(&draft->arena, "%s", text);
}

static void put_times(struct draft *draft, const struct learnt_times *times, const char *what)
{
    fprintf(draft->out, "%llu %s%s", (unsigned long long)times->count, what,
            times->count == 1 ? "" : "s");
    if (times->count == 1)
        fprintf(draft->out, ", %s", time_text(draft, &times->first));
    else
        fprintf(draft->out, ", first %s, last %s", time_text(draft, &times->first),
                time_text(draft, &times->last));
}

/* "7", "0-99", "[0-9, 20]" */
static void put_spans(struct draft *draft, const char *key, const struct spans *spans)
{
    FILE *out = draft->out;
    fprintf(out, "        %s: %s", key, spans->count > 1 ? "[" : "");
    for (size_t i = 0; i < spans->count; i++) {
        fprintf(out, i ? ", %u" : "%u", spans->span[i].low);
        if (spans->span[i].high != spans->span[i].low)
            fprintf(out, "-%u", spans->span[i].high);
    }
    fputs(spans->count > 1 ? "]\n" : "\n", out);
}

static struct spans spans_of_numbers(struct draft *draft, const struct learn_numbers *numbers)
{
    struct arena_list list = {0};
    for (size_t i = 0; i < numbers->count; i++) {
        struct span *span = arena_append(&draft->arena, &list, sizeof *span);
        *span = (struct span){numbers->number[i], numbers->number[i]};
    }
    return spans_of(&list);
}

static const char *host_name(struct draft *draft, uint32_t address)
{
    char text[ADDRESS_TEXT_SIZE];
    return arena_printf(&draft->arena, "host-%s", ipv4_text(address, text));
}

static void put_from(struct draft *draft, const struct learn_numbers *clients)
{
    fprintf(draft->out, "        from: %s", clients->count > 1 ? "[" : "");
    for (size_t i = 0; i < clients->count; i++)
        fprintf(draft->out, "%s%s", i ? ", " : "", host_name(draft, clients->number[i]));
    fputs(clients->count > 1 ? "]\n" : "\n", draft->out);
}

static void put_value(struct draft *draft, const struct learn_rule *rule,
                      const struct learnt_value *value)
{
    const bool coil = ACCESS(rule->access) & ACCESSES_WRITING_COILS;
    fprintf(draft->out, "      #   %s %u: ", coil ? "coil" : "register", value->address);
    if (coil)
        fputs(value->low != value->high ? "on and off" : value->low ? "on" : "off", draft->out);
    else if (value->low == value->high)
        fprintf(draft->out, "%u", value->low);
    else
        fprintf(draft->out, "%u-%u", value->low, value->high);
    fprintf(draft->out, " (%llu time%s)\n", (unsigned long long)value->count,
            value->count == 1 ? "" : "s");
}

static void put_values(struct draft *draft, const struct learn_rule *rule)
{
    const struct learnt_value *values = rule->values.items;
    const size_t count = rule->values.count;
    if (!count)
        return;
    fputs("      # values written, to limit with `value:`\n", draft->out);
    for (size_t i = 0; i < count && (i < VALUES_SHOWN || count <= VALUES_SHOWN + 1); i++)
        put_value(draft, rule, &values[i]);
    if (count <= VALUES_SHOWN + 1)
        return;
    uint16_t low = UINT16_MAX, high = 0;
    for (size_t i = VALUES_SHOWN; i < count; i++) {
        low = values[i].low < low ? values[i].low : low;
        high = values[i].high > high ? values[i].high : high;
    }
    fprintf(draft->out, "      #   at %zu more addresses: %u-%u\n", count - VALUES_SHOWN, low,
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
    FILE *out = draft->out;
    fputs("      # ", out);
    put_times(draft, &rule->times, "request");
    putc('\n', out);
    if (rule->access == MODBUS_ACCESS_READ_WRITE_READ)
        fprintf(out, "      # what function 23 reads%s; only `read` can allow it\n",
                rule->also_alone ? ", and other reads of the same" : "");
    if (rule->access == MODBUS_ACCESS_READ_WRITE_WRITE)
        fputs("      # what function 23 writes\n", out);
    if (rule->bridged)
        fprintf(out, "      # gaps of up to %u addresses are read too (--gap)\n",
                draft->source->gap);
    put_values(draft, rule);
    fprintf(out, "      - allow: %s\n", rule_word(rule->access));
    put_from(draft, &rule->clients);
    const struct spans units = spans_of_numbers(draft, &rule->units);
    put_spans(draft, "unit", &units);
    if (has_addresses(rule->access))
        put_spans(draft, "address", &rule->spans);
    if (rule->access == MODBUS_ACCESS_DIAGNOSTICS)
        put_spans(draft, "subfunction", &rule->spans);
    if (ACCESS(rule->access) & ACCESSES_WITH_FILES) {
        fprintf(out, "        file: %u\n", rule->file);
        if (rule->spans.span[rule->spans.count - 1].high <= MAX_RECORD)
            put_spans(draft, "record", &rule->spans);
    }
}

/* --- the other sections -------------------------------------------------------------------- */

static void put_comment_text(FILE *out, const char *text)
{
    for (; *text; text++)
        putc((unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text, out);
}

static void put_head(struct draft *draft)
{
    const struct learnt *learnt = draft->learnt;
    FILE *out = draft->out;
    fputs("# A draft that `sluice learn` made from", out);
    for (size_t i = 0; i < draft->source->capture_count; i++) {
        fputs(i ? ", " : " ", out);
        put_comment_text(out, draft->source->captures[i]);
    }
    fputs(":\n# ", out);
    put_times(draft, &learnt->requests, "request");
    fputs(".\n#\n"
          "# It allows what was seen, attacks included: read every rule before you use it. Lines\n"
          "# with CHANGE hold placeholders. `sluice check` says in sentences what passes,\n"
          "# `sluice replay` with other captures what would have been denied.\n",
          out);
    if (learnt->malformed)
        fprintf(out, "#\n# %llu malformed messages were not learnt; `sluice replay` shows them.\n",
                (unsigned long long)learnt->malformed);
    for (unsigned function = 1; function < 128; function++)
        if (learnt->unknown[function])
            fprintf(out,
                    "# Function %u, which is not known here, was asked for %llu times: `opaque` of "
                    "the\n# service and a rule could let it pass.\n",
                    function, (unsigned long long)learnt->unknown[function]);
    if (learnt->not_ipv4)
        fprintf(out, "# %llu requests over IPv6 were not learnt.\n",
                (unsigned long long)learnt->not_ipv4);
}

/* True when a client or device of the draft has this address. */
static bool taken(const struct draft *draft, uint32_t address)
{
    for (size_t i = 0; i < draft->learnt->count; i++)
        if (draft->learnt->access[i]->key.server == address ||
            draft->learnt->access[i]->key.client == address)
            return true;
    return false;
}

static bool any_within(const struct draft *draft, uint32_t network)
{
    for (size_t i = 0; i < draft->learnt->count; i++)
        if (((draft->learnt->access[i]->key.server ^ network) & prefix_mask(24)) == 0)
            return true;
    return false;
}

/* The longest prefix up to /24 in which all devices lie; 0 when it would be shorter than /16. */
static unsigned common_prefix(const struct draft *draft)
{
    const uint32_t first = draft->rule[0].server;
    unsigned prefix = 24;
    for (size_t i = 0; i < draft->count; i++)
        while (prefix && ((draft->rule[i].server ^ first) & prefix_mask(prefix)) != 0)
            prefix--;
    return prefix >= 16 ? prefix : 0;
}

static uint32_t free_address(const struct draft *draft, uint32_t network, unsigned prefix,
                             uint32_t but)
{
    uint32_t host = 1;
    while (host < ~prefix_mask(prefix) - 1 && (taken(draft, network | host) || host == but))
        host++;
    return network | host;
}

static uint32_t put_gateway(struct draft *draft)
{
    const uint32_t external = any_within(draft, TEST_NET_1) ? TEST_NET_2 : TEST_NET_1;
    const unsigned common = common_prefix(draft), prefix = common ? common : 24;
    const uint32_t network = draft->rule[0].server & prefix_mask(prefix);
    const uint32_t own = free_address(draft, network, prefix, 0);
    char text[ADDRESS_TEXT_SIZE];
    fprintf(draft->out,
            "\ngateway:\n"
            "  external: { nic: ext0, address: %s/24 }  # CHANGE: towards the clients\n",
            ipv4_text(external | 1, text));
    fprintf(draft->out, "  internal: { nic: int0, address: %s/%u", ipv4_text(own, text), prefix);
    if (!common)
        fprintf(draft->out, ", gateway: %s",
                ipv4_text(free_address(draft, network, prefix, own - network), text));
    fputs(" }  # CHANGE: towards the devices\n", draft->out);
    return external;
}

static int by_number(const void *left, const void *right)
{
    const uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return a < b ? -1 : a > b;
}

static void put_hosts(struct draft *draft)
{
    const struct learnt *learnt = draft->learnt;
    uint32_t *client = arena_take(&draft->arena, learnt->count * sizeof *client);
    for (size_t i = 0; i < learnt->count; i++)
        client[i] = learnt->access[i]->key.client;
    qsort(client, learnt->count, sizeof *client, by_number);
    fputs("\nhosts:  # CHANGE the names to what these are\n", draft->out);
    for (size_t i = 0; i < learnt->count; i++) {
        char text[ADDRESS_TEXT_SIZE];
        if (i == 0 || client[i] != client[i - 1])
            fprintf(draft->out, "  %s: %s\n", host_name(draft, client[i]),
                    ipv4_text(client[i], text));
    }
}

static void put_service(struct draft *draft, const struct learn_rule *rule, uint32_t listen)
{
    char device[ADDRESS_TEXT_SIZE], own[ADDRESS_TEXT_SIZE];
    ipv4_text(rule->server, device);
    fprintf(draft->out,
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
    fputs("\nservices:\n", draft->out);
    for (size_t i = 0; i < draft->count; i++) {
        if (i == 0 || learn_compare_device(&draft->rule[i], &draft->rule[i - 1])) {
            if (i)
                putc('\n', draft->out);
            put_service(draft, &draft->rule[i], external | (FIRST_LISTEN + services));
            services++;
            rules = 0;
        } else {
            putc('\n', draft->out);
        }
        put_rule(draft, &draft->rule[i]);
        if (++rules <= MAX_RULES && services <= SL_MAX_SERVICES)
            continue;
        fprintf(errors,
                services > SL_MAX_SERVICES
                    ? "sluice learn: more than %u devices, which is more than one gateway has; "
                      "learn from captures of fewer\n"
                    : "sluice learn: a device would need more than %u rules; learn from traffic "
                      "without scans\n",
                services > SL_MAX_SERVICES ? SL_MAX_SERVICES : MAX_RULES);
        return false;
    }
    return true;
}

bool learn_draft(const struct learnt *learnt, const struct learn_source *source, FILE *out,
                 FILE *errors)
{
    struct draft draft = {.learnt = learnt, .source = source, .out = out};
    draft.rule = learn_rules(&draft.arena, learnt, source->gap, &draft.count);
    put_head(&draft);
    const uint32_t external = put_gateway(&draft);
    put_hosts(&draft);
    const bool whole = put_services(&draft, external, errors);
    arena_free(&draft.arena);
    return whole;
}
