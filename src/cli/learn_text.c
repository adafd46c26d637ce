/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/learn_text.h"

#include <stdlib.h>
#include <time.h>

#include "policy/compiler/scalars.h"
#include "sluice/config.h"

/* Networks for documentation (RFC 5737): what stands in the draft for addresses to be chosen. */
#define TEST_NET_1 UINT32_C(0xc0000200)
#define TEST_NET_2 UINT32_C(0xc6336400)
#define MAX_RULES  4096u /* of one service, as the loader has it */

static const char *time_text(struct learn_text *draft, const struct timeval *time)
{
    char said[sizeof "2016-11-02 13:01:01Z"] = "?";
    struct tm utc;
    const time_t seconds = time->tv_sec;
    if (gmtime_r(&seconds, &utc))
        strftime(said, sizeof said, "%Y-%m-%d %H:%M:%SZ", &utc);
    return arena_printf(draft->arena, "%s", said);
}

void learn_put_times(struct learn_text *draft, const struct learnt_times *times, const char *what)
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
void learn_put_spans(struct learn_text *draft, const char *key, const struct spans *spans)
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

struct spans learn_spans_of(struct learn_text *draft, const struct learn_numbers *numbers)
{
    struct arena_list list = {0};
    for (size_t i = 0; i < numbers->count; i++) {
        struct span *span = arena_append(draft->arena, &list, sizeof *span);
        *span = (struct span){numbers->number[i], numbers->number[i]};
    }
    return spans_of(&list);
}

static const char *host_name(struct learn_text *draft, uint32_t address)
{
    char text[ADDRESS_TEXT_SIZE];
    return arena_printf(draft->arena, "host-%s", ipv4_text(address, text));
}

void learn_put_from(struct learn_text *draft, const struct learn_numbers *clients)
{
    fprintf(draft->out, "        from: %s", clients->count > 1 ? "[" : "");
    for (size_t i = 0; i < clients->count; i++)
        fprintf(draft->out, "%s%s", i ? ", " : "", host_name(draft, clients->number[i]));
    fputs(clients->count > 1 ? "]\n" : "\n", draft->out);
}

/* --- the sections around the rules --------------------------------------------------------- */

static void put_comment_text(FILE *out, const char *text)
{
    for (; *text; text++)
        putc((unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text, out);
}

void learn_put_head(struct learn_text *draft, const struct learn_counts *counts)
{
    FILE *out = draft->out;
    fputs("# A draft that `sluice learn` made from", out);
    for (size_t i = 0; i < draft->source->capture_count; i++) {
        fputs(i ? ", " : " ", out);
        put_comment_text(out, draft->source->captures[i]);
    }
    fputs(":\n# ", out);
    learn_put_times(draft, &counts->requests, "request");
    fputs(".\n#\n"
          "# It allows what was seen, attacks included: read every rule before you use it. Lines\n"
          "# with CHANGE hold placeholders. `sluice check` says in sentences what passes,\n"
          "# `sluice replay` with other captures what would have been denied.\n",
          out);
    if (counts->malformed)
        fprintf(out, "#\n# %llu malformed messages were not learnt; `sluice replay` shows them.\n",
                (unsigned long long)counts->malformed);
    if (counts->not_ipv4)
        fprintf(out, "# %llu requests over IPv6 were not learnt.\n",
                (unsigned long long)counts->not_ipv4);
}

static bool any_within(const struct learn_numbers *numbers, uint32_t network, unsigned prefix)
{
    for (size_t i = 0; i < numbers->count; i++)
        if (((numbers->number[i] ^ network) & prefix_mask(prefix)) == 0)
            return true;
    return false;
}

/* True when a client or device of the draft has an address of this network. */
static bool taken(const struct learn_text *draft, uint32_t network, unsigned prefix)
{
    return any_within(&draft->clients, network, prefix) ||
           any_within(&draft->servers, network, prefix);
}

/* The longest prefix up to /24 in which all devices lie; 0 when it would be shorter than /16. */
static unsigned common_prefix(const struct learn_text *draft)
{
    const struct learn_numbers *const servers = &draft->servers;
    unsigned prefix = 24;
    for (size_t i = 0; i < servers->count; i++)
        while (prefix && ((servers->number[i] ^ servers->number[0]) & prefix_mask(prefix)) != 0)
            prefix--;
    return prefix >= 16 ? prefix : 0;
}

static uint32_t free_address(const struct learn_text *draft, uint32_t network, unsigned prefix,
                             uint32_t but)
{
    uint32_t host = 1;
    while (host < ~prefix_mask(prefix) - 1 && (taken(draft, network | host, 32) || host == but))
        host++;
    return network | host;
}

uint32_t learn_put_gateway(struct learn_text *draft)
{
    const uint32_t external = taken(draft, TEST_NET_1, 24) ? TEST_NET_2 : TEST_NET_1;
    const unsigned common = common_prefix(draft), prefix = common ? common : 24;
    const uint32_t network = draft->servers.number[0] & prefix_mask(prefix);
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

void learn_put_hosts(struct learn_text *draft)
{
    const struct learn_numbers *const clients = &draft->clients;
    fputs("\nhosts:  # CHANGE the names to what these are\n", draft->out);
    for (size_t i = 0; i < clients->count; i++) {
        char text[ADDRESS_TEXT_SIZE];
        if (i == 0 || clients->number[i] != clients->number[i - 1])
            fprintf(draft->out, "  %s: %s\n", host_name(draft, clients->number[i]),
                    ipv4_text(clients->number[i], text));
    }
}

static int by_number(const void *left, const void *right)
{
    const uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return a < b ? -1 : a > b;
}

void learn_sort(struct learn_numbers *numbers)
{
    if (numbers->count)
        qsort(numbers->number, numbers->count, sizeof *numbers->number, by_number);
}

bool learn_fits(unsigned services, size_t rules, FILE *errors)
{
    if (services <= SL_MAX_SERVICES && rules <= MAX_RULES)
        return true;
    fprintf(errors,
            services > SL_MAX_SERVICES
                ? "sluice learn: more than %u devices, which is more than one gateway has; "
                  "learn from captures of fewer\n"
                : "sluice learn: a device would need more than %u rules; learn from traffic "
                  "without scans\n",
            services > SL_MAX_SERVICES ? SL_MAX_SERVICES : MAX_RULES);
    return false;
}
