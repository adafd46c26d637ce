/* SPDX-License-Identifier: BSD-2-Clause */
/* The report as one page: no scripts, nothing loaded from anywhere. */
#include <string.h>

#include "cli/replay_report.h"
#include "policy/image.h"
#include "topology/markup.h"

#define ROWS       200u
#define BARS       12u
#define PLOT_WIDTH 880u
#define PLOT_LEFT  56u
#define TIME_HIGH  180u
#define BAR_LEFT   300u
#define BAR_HIGH   26u

static const char style[] =
    ":root{--ground:#fff;--ink:#1c2430;--soft:#5d6875;--line:#d9dee5;--allow:#9db8d2;"
    "--deny:#c8372d;--bad:#e09b2d;--card:#f5f7f9}\n"
    "@media(prefers-color-scheme:dark){:root{--ground:#14181d;--ink:#e4e8ec;--soft:#98a3af;"
    "--line:#333b45;--allow:#4f6f8f;--deny:#e5675d;--bad:#e0a94a;--card:#1c2229}}\n"
    "body{margin:0 auto;padding:28px 24px 60px;max-width:1080px;background:var(--ground);"
    "color:var(--ink);font:15px/1.5 system-ui,'Segoe UI',Roboto,sans-serif}\n"
    "h1{font-size:26px;margin:0 0 4px}h2{font-size:18px;margin:38px 0 8px}\n"
    "p,.soft{color:var(--soft);margin:2px 0}.cards{display:flex;gap:14px;margin:22px 0 0;"
    "flex-wrap:wrap}\n"
    ".card{background:var(--card);border-radius:8px;padding:12px 20px;min-width:130px;"
    "border-left:5px solid var(--line)}.card b{display:block;font-size:26px;line-height:1.2;"
    "font-variant-numeric:tabular-nums}\n"
    ".card.allow{border-color:var(--allow)}.card.deny{border-color:var(--deny)}"
    ".card.bad{border-color:var(--bad)}\n"
    "table{border-collapse:collapse;width:100%}th{text-align:left;font-weight:600;"
    "color:var(--soft)}th,td{padding:5px 10px 5px 0;border-bottom:1px solid var(--line);"
    "vertical-align:top;overflow-wrap:break-word}\n"
    "td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}"
    "th{white-space:nowrap}td.t{white-space:nowrap;font-size:13px;color:var(--soft);font-variant-"
    "numeric:tabular-nums}\n"
    "svg{width:100%;height:auto;display:block}svg text{fill:var(--soft);font-size:12px}"
    "svg .name{fill:var(--ink);font-size:13px}svg line{stroke:var(--line)}\n"
    ".allow{fill:var(--allow)}.deny{fill:var(--deny)}.bad{fill:var(--bad)}\n"
    ".key span{display:inline-block;width:11px;height:11px;border-radius:2px;margin:0 5px 0 14px}"
    ".key .a{background:var(--allow);margin-left:0}.key .d{background:var(--deny)}"
    ".key .b{background:var(--bad)}\n";

static const char key[] = "<p class=\"key\"><span class=\"a\"></span>allowed"
                          "<span class=\"d\"></span>denied"
                          "<span class=\"b\"></span>malformed</p>\n";

static const char *const classes[REPORT_VERDICTS] = {
    [REPORT_ALLOWED] = "allow", [REPORT_DENIED] = "deny", [REPORT_MALFORMED] = "bad"};

static uint64_t refused(const struct report_group *group)
{
    return group->count[REPORT_DENIED] + group->count[REPORT_MALFORMED];
}

static uint64_t all(const struct report_group *group)
{
    return refused(group) + group->count[REPORT_ALLOWED];
}

static void put_card(FILE *out, const char *class, uint64_t count, const char *what)
{
    fprintf(out, "<div class=\"card %s\"><b>%llu</b>%s</div>\n", class, (unsigned long long)count,
            what);
}

static void put_head(const struct replay_report *report, const struct report_source *source,
                     FILE *out)
{
    fprintf(out,
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
            "<meta name=\"viewport\" content=\"width=device-width\">\n"
            "<title>What the policy would have refused</title>\n<style>\n%s</style></head><body>\n"
            "<h1>What the policy would have refused</h1>\n<p>Requests of ",
            style);
    for (size_t i = 0; i < source->capture_count; i++) {
        if (i)
            fputs(", ", out);
        put_markup_text(out, source->captures[i]);
    }
    fputs(" under ", out);
    put_markup_text(out, source->config);
    fputs(". Times are UTC.</p>\n<div class=\"cards\">\n", out);
    put_card(out, "",
             report->count[REPORT_ALLOWED] + report->count[REPORT_DENIED] +
                 report->count[REPORT_MALFORMED],
             "requests");
    put_card(out, "allow", report->count[REPORT_ALLOWED], "allowed");
    put_card(out, "deny", report->count[REPORT_DENIED], "denied");
    put_card(out, "bad", report->count[REPORT_MALFORMED], "malformed");
    fputs("</div>\n", out);
}

/* --- plots --------------------------------------------------------------------------------- */

/* The least of 1, 2, 5, 10, 20, ... not below `value`: where an axis ends. */
static uint64_t round_up(uint64_t value)
{
    for (uint64_t power = 1; power < UINT64_MAX / 100; power *= 10)
        for (unsigned i = 0; i < 3; i++)
            if (value <= power * (const unsigned[]){1, 2, 5}[i])
                return power * (const unsigned[]){1, 2, 5}[i];
    return value;
}

static const char *width_text(int64_t seconds, char text[REPORT_TIME])
{
    static const struct {
        int64_t seconds;
        const char *name;
    } units[] = {{604800, "week"}, {86400, "day"}, {3600, "hour"}, {60, "minute"}, {1, "second"}};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (seconds % units[i].seconds)
            continue;
        const long long count = seconds / units[i].seconds;
        if (count == 1)
            snprintf(text, REPORT_TIME, "%s", units[i].name);
        else
            snprintf(text, REPORT_TIME, "%lld %ss", count, units[i].name);
        break;
    }
    return text;
}

static void put_time_axis(FILE *out, const struct report_bins *bins, double step)
{
    const size_t every = (bins->count + 5) / 6;
    for (size_t i = 0; i < bins->count; i += every) {
        char text[REPORT_TIME];
        report_time((bins->start + (int64_t)i * bins->width) / 1000000, text);
        const double x = PLOT_LEFT + (double)i * step;
        fprintf(out,
                "<line x1=\"%.1f\" y1=\"%u\" x2=\"%.1f\" y2=\"%u\"/>"
                "<text x=\"%.1f\" y=\"%u\">%s</text><text x=\"%.1f\" y=\"%u\">%.10s</text>\n",
                x, TIME_HIGH + 10, x, TIME_HIGH + 15, x, TIME_HIGH + 28, text + 11, x,
                TIME_HIGH + 43, text);
    }
}

static void put_times(const struct replay_report *report, FILE *out)
{
    struct report_bins bins;
    char width[REPORT_TIME];
    report_bins(report, &bins);
    if (!bins.count)
        return;
    const uint64_t top = round_up(bins.highest);
    const double step = (double)(PLOT_WIDTH - PLOT_LEFT) / (double)bins.count;
    fprintf(out, "<h2>By time</h2>\n<p>Requests per %s</p>%s<svg viewBox=\"0 0 %u %u\">\n",
            width_text(bins.width / 1000000, width), key, PLOT_WIDTH, TIME_HIGH + 50);
    for (unsigned i = 0; i <= 4; i++) {
        const unsigned y = 10 + TIME_HIGH - TIME_HIGH * i / 4;
        fprintf(out, "<line x1=\"%u\" y1=\"%u\" x2=\"%u\" y2=\"%u\"/>", PLOT_LEFT, y, PLOT_WIDTH,
                y);
        if (top % 4 == 0 || i % 2 == 0)
            fprintf(out, "<text x=\"%u\" y=\"%u\" text-anchor=\"end\">%g</text>\n", PLOT_LEFT - 8,
                    y + 4, (double)top * i / 4);
    }
    for (size_t i = 0; i < bins.count; i++) {
        double y = 10 + TIME_HIGH;
        for (unsigned verdict = REPORT_VERDICTS; verdict-- > 0;) {
            const uint64_t count = bins.bin[i][verdict];
            /* What is rare must still be seen. */
            double high = (double)count / (double)top * TIME_HIGH;
            if (count && verdict != REPORT_ALLOWED && high < 2)
                high = 2;
            y -= high;
            if (count)
                fprintf(out,
                        "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\">"
                        "<title>%llu</title></rect>\n",
                        classes[verdict], PLOT_LEFT + (double)i * step + 0.5, y,
                        step > 30 ? 29 : step - 1, high, (unsigned long long)count);
        }
    }
    put_time_axis(out, &bins, step);
    fputs("</svg>\n", out);
}

/* One bar a group; `name` writes what it is. */
static void
put_bars(const struct replay_report *report, const struct report_groups *groups, bool with_allowed,
         void (*name)(const struct replay_report *, const struct report_group *, FILE *), FILE *out)
{
    uint64_t most = 1;
    size_t count = 0;
    for (size_t i = 0; i < groups->count && count < BARS; i++) {
        const struct report_group *group = &groups->group[i];
        const uint64_t shown = with_allowed ? all(group) : refused(group);
        if (!shown)
            break;
        most = shown > most ? shown : most;
        count++;
    }
    if (!count)
        return;
    fprintf(out, "<svg viewBox=\"0 0 %u %zu\">\n", PLOT_WIDTH, count * BAR_HIGH + 4);
    for (size_t i = 0; i < count; i++) {
        const struct report_group *group = &groups->group[i];
        const size_t y = i * BAR_HIGH + 4;
        double x = BAR_LEFT;
        fprintf(out, "<text class=\"name\" x=\"%u\" y=\"%zu\" text-anchor=\"end\">", BAR_LEFT - 10,
                y + 15);
        name(report, group, out);
        fputs("</text>", out);
        for (unsigned verdict = REPORT_VERDICTS; verdict-- > (with_allowed ? 0 : REPORT_DENIED);) {
            if (!group->count[verdict])
                continue;
            double wide =
                (double)group->count[verdict] / (double)most * (PLOT_WIDTH - BAR_LEFT - 90);
            wide = wide < 2 ? 2 : wide;
            fprintf(out,
                    "<rect class=\"%s\" x=\"%.1f\" y=\"%zu\" width=\"%.1f\" height=\"%u\">"
                    "<title>%llu</title></rect>",
                    classes[verdict], x, y, wide, BAR_HIGH - 6,
                    (unsigned long long)group->count[verdict]);
            x += wide;
        }
        fprintf(out, "<text x=\"%.1f\" y=\"%zu\">%llu", x + 8, y + 15,
                (unsigned long long)refused(group));
        if (with_allowed)
            fprintf(out, " of %llu", (unsigned long long)all(group));
        fputs("</text>\n", out);
    }
    fputs("</svg>\n", out);
}

static void name_rule(const struct replay_report *report, const struct report_group *group,
                      FILE *out)
{
    put_markup_text(out, policy_service_name(group->service));
    fputs(": ", out);
    put_markup_text(out, report_rule(report, group));
}

static void name_client(const struct replay_report *report, const struct report_group *group,
                        FILE *out)
{
    char address[ENDPOINT_TEXT];
    put_markup_text(out, report_client(report, group, address));
}

/* --- tables -------------------------------------------------------------------------------- */

static void put_count(FILE *out, uint64_t count)
{
    fprintf(out, "<td class=\"n\">%llu</td>", (unsigned long long)count);
}

static void put_period(FILE *out, const struct report_group *group)
{
    char first[REPORT_TIME], last[REPORT_TIME];
    fprintf(out, "<td class=\"t\">%s</td><td class=\"t\">%s</td></tr>\n",
            report_time(group->first.tv_sec, first), report_time(group->last.tv_sec, last));
}

static void put_more(FILE *out, const struct report_groups *groups)
{
    if (groups->count > ROWS)
        fprintf(out, "<p>%zu rows more are not shown.</p>\n", groups->count - ROWS);
    if (groups->beyond)
        fprintf(out, "<p>%llu requests more were not told apart.</p>\n",
                (unsigned long long)groups->beyond);
}

static void put_requests(const struct replay_report *report, FILE *out)
{
    fputs(
        "<h2>What was refused</h2>\n<table><tr><th class=\"n\">times</th><th>client</th>"
        "<th>service</th><th>request</th><th>rule or reason</th><th>first</th><th>last</th></tr>\n",
        out);
    for (size_t i = 0; i < report->requests.count && i < ROWS; i++) {
        const struct report_group *group = &report->requests.group[i];
        fputs("<tr>", out);
        put_count(out, refused(group));
        fputs("<td>", out);
        name_client(report, group, out);
        fputs("</td><td>", out);
        put_markup_text(out, policy_service_name(group->service));
        fputs("</td><td>", out);
        put_markup_text(out, *group->text ? group->text : "not understood");
        fputs("</td><td>", out);
        put_markup_text(out, report_rule(report, group));
        fputs("</td>", out);
        put_period(out, group);
    }
    fputs("</table>\n", out);
    put_more(out, &report->requests);
}

static void put_allowing(const struct replay_report *report, FILE *out)
{
    fputs("<h2>Rules that allowed</h2>\n<table><tr><th class=\"n\">times</th><th>service</th>"
          "<th>rule</th><th>first</th><th>last</th></tr>\n",
          out);
    for (size_t i = 0; i < report->rules.count; i++) {
        const struct report_group *group = &report->rules.group[i];
        if (!group->count[REPORT_ALLOWED])
            continue;
        fputs("<tr>", out);
        put_count(out, group->count[REPORT_ALLOWED]);
        fputs("<td>", out);
        put_markup_text(out, policy_service_name(group->service));
        fputs("</td><td>", out);
        put_markup_text(out, report_rule(report, group));
        fputs("</td>", out);
        put_period(out, group);
    }
    fputs("</table>\n", out);
}

static bool used(const struct replay_report *report, unsigned rule)
{
    for (size_t i = 0; i < report->rules.count; i++)
        if (report->rules.group[i].rule == rule)
            return true;
    return false;
}

static void put_unused(const struct replay_report *report, FILE *out)
{
    const struct policy_image *image = report->image;
    const char *name, *separator = "<h2>Rules that decided nothing here</h2>\n<p>";
    bool any = false;
    for (unsigned rule = 0; rule < image->rule_count; rule++) {
        name = policy_rule_name(image, rule);
        if (!name || used(report, rule))
            continue;
        fputs(separator, out);
        put_markup_text(out, name);
        separator = ", ";
        any = true;
    }
    fputs(any ? "</p>\n" : "", out);
}

void replay_report_html(const struct replay_report *report, const struct report_source *source,
                        FILE *out)
{
    put_head(report, source, out);
    put_times(report, out);
    if (report->count[REPORT_DENIED] + report->count[REPORT_MALFORMED]) {
        fputs("<h2>Refused, by rule or reason</h2>\n", out);
        put_bars(report, &report->rules, false, name_rule, out);
    }
    fprintf(out, "<h2>By client</h2>\n<p>Refused, of all requests</p>\n");
    put_bars(report, &report->clients, true, name_client, out);
    put_more(out, &report->clients);
    if (report->requests.count)
        put_requests(report, out);
    put_allowing(report, out);
    put_unused(report, out);
    fputs("</body></html>\n", out);
}
