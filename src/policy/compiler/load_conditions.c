/* SPDX-License-Identifier: BSD-2-Clause */
/* What a rule asks beside the message: until when, at which hours, how often, in which steps. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy/compiler/conditions.h"
#include "policy/compiler/points.h"
#include "policy/compiler/scalars.h"
#include "policy/compiler/zone.h"
#include "policy/state.h"

#define MINUTES_PER_DAY 1440u
#define LONGEST_OWNER   64u

static const char *const day_names[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
#define DAYS 7u

/* Two digits at `text`. */
static bool two_digits(const char *text, int *number)
{
    if (!isdigit((unsigned char)text[0]) || !isdigit((unsigned char)text[1]))
        return false;
    *number = (text[0] - '0') * 10 + (text[1] - '0');
    return true;
}

/* "2026-12-31" (until the day's end, UTC) or "2026-12-31T18:00Z", with an offset such as +01:00
 * for Z. */
static bool parse_moment(const char *text, uint64_t *moment)
{
    int century, year, month, day, hour = 24, minute = 0, second = 0, off_hour = 0, off_minute = 0;
    const size_t length = strlen(text);
    if (length < 10 || !two_digits(text, &century) || !two_digits(text + 2, &year) ||
        text[4] != '-' || !two_digits(text + 5, &month) || text[7] != '-' ||
        !two_digits(text + 8, &day))
        return false;
    int sign = 0;
    size_t zone = 0;
    if (length > 10) {
        if ((text[10] != 'T' && text[10] != ' ') || length < 17 || !two_digits(text + 11, &hour) ||
            text[13] != ':' || !two_digits(text + 14, &minute) || hour > 23 || minute > 59)
            return false;
        zone = 16;
        if (text[16] == ':' && (!two_digits(text + 17, &second) || second > 59))
            return false;
        zone += text[16] == ':' ? 3 : 0;
        sign = text[zone] == '+' ? 1 : text[zone] == '-' ? -1 : 0;
        if (sign == 0 && (text[zone] != 'Z' || length != zone + 1))
            return false;
        if (sign && (length != zone + 6 || !two_digits(text + zone + 1, &off_hour) ||
                     text[zone + 3] != ':' || !two_digits(text + zone + 4, &off_minute)))
            return false;
    }
    struct tm broken = {
        .tm_year = century * 100 + year - 1900, .tm_mon = month - 1, .tm_mday = day};
    const time_t midnight = timegm(&broken);
    if (broken.tm_mday != day || broken.tm_mon != month - 1 || century < 20)
        return false; /* no such day */
    const int64_t seconds = (int64_t)midnight + hour * 3600 + minute * 60 + second -
                            sign * (off_hour * 3600 + off_minute * 60);
    *moment = (uint64_t)seconds;
    return true;
}

static void load_expires(struct loader *loader, const struct node *node, struct rule_head *rule,
                         struct policy_condition *condition)
{
    if (node->kind != NODE_SCALAR || !parse_moment(node->text, &condition->expires)) {
        unexpected(loader, node,
                   "expires: a day such as 2026-12-31, or a moment such as 2026-12-31T18:00Z");
        return;
    }
    rule->expires = node->text;
    rule->expired = condition->expires <= loader->now;
    if (rule->expired)
        mistake_at(&loader->policy->warnings, node->line, node->column,
                   "warning: rule '%s' expired (%s)%s%s: it does not match any more", rule->name,
                   node->text, rule->owner ? ", owner: " : "", rule->owner ? rule->owner : "");
}

struct days {
    bool on[DAYS];
};

static int day_of(const char *text, size_t length)
{
    for (unsigned i = 0; i < DAYS; i++)
        if (length == 3 && strncmp(text, day_names[i], 3) == 0)
            return (int)i;
    return -1;
}

static void add_days(struct loader *loader, const struct node *node, void *context)
{
    struct days *const days = context;
    const char *dash = strchr(node->text, '-');
    const int first = day_of(node->text, dash ? (size_t)(dash - node->text) : node->length);
    const int last = dash ? day_of(dash + 1, strlen(dash + 1)) : first;
    if (first < 0 || last < 0) {
        unexpected(loader, node, "days: mon, tue, wed, thu, fri, sat, sun, or a range of these");
        return;
    }
    for (int i = first;; i = (i + 1) % (int)DAYS) { /* sat-mon goes round */
        days->on[i] = true;
        if (i == last)
            return;
    }
}

struct hours {
    struct arena_list spans; /* struct span: minutes of the day; `high` not in it */
    const char *text;
};

static bool parse_clock(const char *text, size_t length, uint32_t *minutes)
{
    int hour, minute;
    if (length != 5 || !two_digits(text, &hour) || text[2] != ':' ||
        !two_digits(text + 3, &minute) || minute > 59 || hour > 24 || (hour == 24 && minute))
        return false;
    *minutes = (uint32_t)(hour * 60 + minute);
    return true;
}

static void add_hours(struct loader *loader, const struct node *node, void *context)
{
    struct hours *const hours = context;
    struct span span;
    const char *dash = strchr(node->text, '-');
    if (dash == NULL || !parse_clock(node->text, (size_t)(dash - node->text), &span.low) ||
        !parse_clock(dash + 1, strlen(dash + 1), &span.high) || span.low == span.high ||
        span.low == MINUTES_PER_DAY) {
        unexpected(loader, node, "hours: from and until, such as 06:00-22:00 or 22:00-06:00");
        return;
    }
    if (span.high < span.low)
        span.high += MINUTES_PER_DAY; /* into the next day */
    *(struct span *)arena_append(loader->arena, &hours->spans, sizeof span) = span;
    hours->text =
        hours->text ? arena_printf(loader->arena, "%s, %s", hours->text, node->text) : node->text;
}

static void add_window(struct arena *arena, struct arena_list *week, uint32_t from, uint32_t until)
{
    if (from < until)
        *(struct span *)arena_append(arena, week, sizeof(struct span)) =
            (struct span){from, until - 1};
}

static const char *days_text(struct arena *arena, const struct days *days)
{
    const char *text = "";
    for (unsigned i = 0; i < DAYS; i++) {
        if (!days->on[i] || (i && days->on[i - 1]))
            continue;
        unsigned last = i;
        while (last + 1 < DAYS && days->on[last + 1])
            last++;
        text = arena_printf(arena, "%s%s%s%s%s", text, *text ? ", " : "", day_names[i],
                            last > i ? "-" : "", last > i ? day_names[last] : "");
    }
    return text;
}

struct when_nodes {
    const struct node *days, *hours, *zone;
};

static void load_when(struct loader *loader, const struct node *node, struct rule_head *rule,
                      struct policy_condition *condition)
{
    static const struct field fields[] = {
        {"days", false, load_node, offsetof(struct when_nodes, days), 0, 0},
        {"hours", false, load_node, offsetof(struct when_nodes, hours), 0, 0},
        {"zone", true, load_node, offsetof(struct when_nodes, zone), 0, 0},
    };
    struct when_nodes nodes = {0};
    struct arena *const arena = loader->arena;
    LOAD_MAP(loader, node, "when", fields, &nodes);
    if (node->kind != NODE_MAP)
        return;
    struct days days = {{false}};
    if (nodes.days)
        for_each(loader, nodes.days, "days: mon to sun, a range or a list of these", add_days,
                 &days);
    else
        memset(days.on, true, sizeof days.on);
    struct hours hours = {0};
    if (nodes.hours)
        for_each(loader, nodes.hours, "hours: such as 06:00-22:00, or a list of these", add_hours,
                 &hours);
    else
        add_window(arena, &hours.spans, 0, MINUTES_PER_DAY + 1);
    const char *zone = nodes.zone && nodes.zone->kind == NODE_SCALAR ? nodes.zone->text : "";
    const int number = nodes.zone ? condition_zone(loader->policy, zone) : -1;
    if (nodes.zone && number < 0)
        unexpected(loader, nodes.zone,
                   "zone: UTC or a time zone of this machine's tzdata, such as Europe/Berlin");
    if (number < 0)
        return;
    struct arena_list week = {0};
    const struct span *span = hours.spans.items;
    for (uint32_t day = 0; day < DAYS; day++)
        for (size_t i = 0; days.on[day] && i < hours.spans.count; i++) {
            const uint32_t from = day * MINUTES_PER_DAY + span[i].low;
            const uint32_t until = day * MINUTES_PER_DAY + span[i].high;
            add_window(arena, &week, from, until < POLICY_WEEK ? until : POLICY_WEEK);
            if (until > POLICY_WEEK)
                add_window(arena, &week, 0, until - POLICY_WEEK);
        }
    const struct spans spans = spans_of(&week);
    if (spans.count > POLICY_MAX_WINDOWS) {
        unexpected(loader, node, "at most %u times a week", POLICY_MAX_WINDOWS);
        return;
    }
    condition->zone = (uint16_t)number;
    condition->window = condition_windows(loader->policy, &spans);
    condition->window_count = (uint16_t)spans.count;
    rule->when = arena_printf(arena, "%s%s%s %s", days_text(arena, &days), hours.text ? " " : "",
                              hours.text ? hours.text : "", zone);
}

struct rate_nodes {
    const struct node *limit, *burst, *per;
};

/* "10/s", "5/min", "100/h" */
static bool parse_rate(const char *text, uint64_t *count, uint64_t *period)
{
    static const struct {
        const char *unit;
        uint64_t period;
    } units[] = {{"s", UINT64_C(1000000000)},
                 {"min", UINT64_C(60000000000)},
                 {"h", UINT64_C(3600000000000)},
                 {"day", POLICY_LONGEST_INTERVAL}};
    const char *slash = strchr(text, '/');
    if (slash == NULL || !parse_number(text, (size_t)(slash - text), count) || *count == 0 ||
        *count > POLICY_LARGEST_BURST)
        return false;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (strcmp(slash + 1, units[i].unit) == 0) {
            *period = units[i].period;
            return true;
        }
    return false;
}

uint16_t load_rate(struct loader *loader, const struct node *node, const char *whole,
                   const char **text)
{
    static const struct field fields[] = {
        {"limit", true, load_node, offsetof(struct rate_nodes, limit), 0, 0},
        {"burst", false, load_node, offsetof(struct rate_nodes, burst), 0, 0},
        {"per", false, load_node, offsetof(struct rate_nodes, per), 0, 0},
    };
    struct rate_nodes nodes = {.limit = node};
    if (node->kind == NODE_MAP) {
        nodes.limit = NULL;
        LOAD_MAP(loader, node, "rate", fields, &nodes);
        if (nodes.limit == NULL)
            return POLICY_NONE;
    }
    uint64_t count, period;
    if (nodes.limit->kind != NODE_SCALAR || !parse_rate(nodes.limit->text, &count, &period)) {
        unexpected(loader, nodes.limit, "rate: messages in a time, such as 10/s, 5/min or 100/h");
        return POLICY_NONE;
    }
    static const struct field bounds = {.key = "burst", .low = 1, .high = POLICY_LARGEST_BURST};
    uint16_t burst = (uint16_t)count;
    if (nodes.burst)
        load_u16(loader, nodes.burst, &bounds, &burst);
    bool per_client = false;
    if (nodes.per) {
        const char *word = nodes.per->kind == NODE_SCALAR ? nodes.per->text : "";
        per_client = strcmp(word, "client") == 0;
        if (!per_client && strcmp(word, whole) != 0)
            unexpected(loader, nodes.per, "per: %s or client", whole);
    }
    struct arena_list *const rates = &loader->policy->rates;
    if (rates->count == POLICY_MAX_RATES) {
        unexpected(loader, node, "at most %u rates in a file", POLICY_MAX_RATES);
        return POLICY_NONE;
    }
    struct policy_rate *rate = arena_append(loader->arena, rates, sizeof *rate);
    *rate =
        (struct policy_rate){.interval = period / count, .burst = burst, .per_client = per_client};
    *text = arena_printf(loader->arena, "%s%s", nodes.limit->text,
                         per_client ? " for each client" : "");
    return (uint16_t)(rates->count - 1);
}

void mark_rate(struct loader *loader, uint16_t rate, const char *rule)
{
    if (rate == POLICY_NONE)
        return;
    uint32_t hash = UINT32_C(2166136261); /* FNV-1a */
    const char *const texts[] = {loader->site->service[loader->service].name, "/", rule};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        for (const char *c = texts[i]; *c; c++)
            hash = (hash ^ (uint8_t)*c) * UINT32_C(16777619);
    struct policy_rate *const marked = (struct policy_rate *)loader->policy->rates.items + rate;
    for (size_t i = 0; i < sizeof marked->mark; i++)
        marked->mark[i] = (uint8_t)(hash >> 8 * i);
}

static void load_owner(struct loader *loader, const struct node *node, struct rule_head *rule)
{
    bool good = node->kind == NODE_SCALAR && node->length > 0 && node->length <= LONGEST_OWNER;
    for (size_t i = 0; good && i < node->length; i++)
        good = (unsigned char)node->text[i] >= 0x20 && node->text[i] != 0x7f;
    if (good)
        rule->owner = node->text;
    else
        unexpected(loader, node, "owner: who answers for the rule, up to %u letters",
                   LONGEST_OWNER);
}

void load_rule_conditions(struct loader *loader, const struct condition_nodes *nodes,
                          struct rule_head *rule)
{
    struct policy_condition condition = {.zone = POLICY_NONE, .rate = POLICY_NONE};
    rule->condition = POLICY_NONE;
    if (nodes->owner)
        load_owner(loader, nodes->owner, rule);
    if (nodes->expires)
        load_expires(loader, nodes->expires, rule, &condition);
    if (nodes->when)
        load_when(loader, nodes->when, rule, &condition);
    if (nodes->rate && rule->deny)
        mistake_at(loader->mistakes, nodes->rate->key->line, nodes->rate->key->column,
                   "found 'rate' in a deny rule, expected it only where something is allowed");
    else if (nodes->rate)
        condition.rate = load_rate(loader, nodes->rate, "rule", &rule->rate);
    mark_rate(loader, condition.rate, rule->name ? rule->name : "");
    if (!condition.expires && condition.zone == POLICY_NONE && condition.rate == POLICY_NONE)
        return;
    const int number = condition_number(loader->policy, &condition);
    if (number < 0)
        mistake_at(loader->mistakes, rule->line, rule->column,
                   "found one rule more with a condition, expected at most %u kinds of them",
                   POLICY_MAX_CONDITIONS);
    else
        rule->condition = (uint16_t)number;
}

struct step_nodes {
    const struct node *by, *first;
};

static bool parse_step(const struct node *node, const struct modbus_rule *rule, uint64_t *step)
{
    /* in the register's own steps, then in units of 2^-MODBUS_STEP_BITS */
    struct decimal number;
    const struct decimal scale = rule->points ? rule->scale : (struct decimal){1, 0};
    if (node->kind != NODE_SCALAR || !parse_decimal(node->text, node->length, &number) ||
        number.digits <= 0)
        return false;
    const __int128 units = ((__int128)number.digits << MODBUS_STEP_BITS) *
                           decimal_ten(scale.places) /
                           ((__int128)scale.digits * decimal_ten(number.places));
    *step = units > INT64_MAX / 4 ? INT64_MAX / 4 : (uint64_t)units;
    return *step > 0;
}

static void add_step_points(struct loader *loader, const struct node *node,
                            const struct modbus_rule *rule)
{
    const uint32_t stride = modbus_value_is_wide(rule->type) ? 2 : 1;
    for (size_t u = 0; u < rule->units.count; u++)
        for (uint32_t unit = rule->units.span[u].low; unit <= rule->units.span[u].high; unit++)
            for (size_t a = 0; a < rule->addresses.count; a++)
                for (uint32_t address = rule->addresses.span[a].low;
                     address <= rule->addresses.span[a].high; address += stride) {
                    const struct policy_step_point point = {.service = (uint16_t)loader->service,
                                                            .unit = (uint8_t)unit,
                                                            .type = (uint8_t)rule->type,
                                                            .address = (uint16_t)address,
                                                            .low_first = rule->low_first};
                    if (condition_step_point(loader->policy, &point))
                        continue;
                    unexpected(loader, node,
                               "fewer points: at most %u units' registers have "
                               "'max-step' in a file",
                               POLICY_MAX_STEP_POINTS);
                    return;
                }
}

void load_max_step(struct loader *loader, const struct node *node, bool places_given,
                   struct modbus_rule *rule)
{
    static const struct field fields[] = {
        {"by", true, load_node, offsetof(struct step_nodes, by), 0, 0},
        {"first", false, load_node, offsetof(struct step_nodes, first), 0, 0},
    };
    struct step_nodes nodes = {.by = node};
    if (node->kind == NODE_MAP) {
        nodes.by = NULL;
        LOAD_MAP(loader, node, "max-step", fields, &nodes);
        if (nodes.by == NULL)
            return;
    }
    if (rule->head.deny || rule->type == MODBUS_COIL ||
        (rule->accesses & ACCESSES_WRITING_REGISTERS) == 0 || !places_given) {
        mistake_at(loader->mistakes, node->key->line, node->key->column,
                   "found 'max-step' here, expected it in an allow rule that writes registers and "
                   "names its 'unit' and its 'address' or 'point'");
        return;
    }
    if (loader->site->mode == SL_ONE_WAY)
        mistake_at(loader->mistakes, node->key->line, node->key->column,
                   "found 'max-step' in one-way mode, expected it only where replies come back");
    if (!parse_step(nodes.by, rule, &rule->step))
        unexpected(loader, nodes.by, "max-step: how far a value may move at once, above 0");
    if (nodes.first) {
        const char *word = nodes.first->kind == NODE_SCALAR ? nodes.first->text : "";
        rule->first_passes = strcmp(word, "allow") == 0;
        if (!rule->first_passes && strcmp(word, "deny") != 0)
            unexpected(loader, nodes.first,
                       "first: deny or allow, what becomes of a value while none is known");
    }
    rule->step_text = nodes.by->text ? nodes.by->text : "";
    loader->site->service[loader->service].flags |= POLICY_SERVICE_LEARNS;
    add_step_points(loader, node, rule);
}
