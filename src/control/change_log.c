/* SPDX-License-Identifier: BSD-2-Clause */
#include "control/change_log.h"

#include <stdio.h>
#include <string.h>

#include "control/status.h"
#include "hosts/linux/gateway_event.h"

#define NOBODY_ASKED UINT32_MAX
#define SHOWN_ERROR  2000u /* bytes of a refused reload's reasons on its audit line */

struct change_words change_words(const struct operation *operation)
{
    struct change_words words = {""};
    const struct override_state *on = &operation->override, *off = &operation->ended;
    const char *const hash = operation->launch->policy_hash;
    switch (operation->change) {
    case CHANGE_NONE:
        break;
    case CHANGE_RELOAD:
        snprintf(words.text, sizeof words.text, "rules reloaded: policy %s in force, was %s", hash,
                 operation->before);
        break;
    case CHANGE_OVERRIDE_START:
    case CHANGE_OVERRIDE_RENEWED:
    case CHANGE_OVERRIDE_RESUMED:
        snprintf(words.text, sizeof words.text, "OVERRIDE '%s' %s until %s, by %s: %s; policy %s",
                 on->ruleset,
                 operation->change == CHANGE_OVERRIDE_RENEWED   ? "renewed"
                 : operation->change == CHANGE_OVERRIDE_RESUMED ? "goes on after the start"
                                                                : "in force",
                 moment_text(on->until).text, on->who, on->why, hash);
        break;
    case CHANGE_OVERRIDE_ENDED:
        snprintf(words.text, sizeof words.text, "override '%s' of %s ended; policy %s",
                 off->ruleset, off->who, hash);
        break;
    case CHANGE_OVERRIDE_EXPIRED:
        snprintf(words.text, sizeof words.text, "override '%s' of %s expired; policy %s",
                 off->ruleset, off->who, hash);
        break;
    }
    return words;
}

static void add_override(struct sl_json *json, const struct override_state *override)
{
    sl_json_string(json, "override", override->ruleset);
    sl_json_string(json, "who", override->who);
    sl_json_string(json, "why", override->why);
    sl_json_string(json, "since", moment_text(override->started).text);
    sl_json_string(json, "until", moment_text(override->until).text);
}

static void add_uid(struct sl_json *json, uint32_t uid)
{
    if (uid != NOBODY_ASKED)
        sl_json_number(json, "uid", uid);
}

void log_change(const struct operation *operation, const struct operation_view *view)
{
    static const char *const events[] = {
        [CHANGE_RELOAD] = "reloaded",
        [CHANGE_OVERRIDE_START] = "override-start",
        [CHANGE_OVERRIDE_RENEWED] = "override-start",
        [CHANGE_OVERRIDE_RESUMED] = "override-start",
        [CHANGE_OVERRIDE_ENDED] = "override-end",
        [CHANGE_OVERRIDE_EXPIRED] = "override-end",
    };
    struct gateway_event event;
    const struct change_words words = change_words(operation);
    gateway_event_start(&event, operation->launch, "launcher", events[operation->change],
                        view->number);
    add_uid(&event.json, operation->uid);
    switch (operation->change) {
    case CHANGE_NONE:
        return;
    case CHANGE_RELOAD:
        sl_json_string(&event.json, "before", operation->before);
        break;
    case CHANGE_OVERRIDE_START:
    case CHANGE_OVERRIDE_RENEWED:
    case CHANGE_OVERRIDE_RESUMED:
        add_override(&event.json, &operation->override);
        sl_json_string(&event.json, "cause",
                       operation->change == CHANGE_OVERRIDE_RENEWED   ? "renewed"
                       : operation->change == CHANGE_OVERRIDE_RESUMED ? "resumed"
                                                                      : "asked");
        break;
    case CHANGE_OVERRIDE_ENDED:
    case CHANGE_OVERRIDE_EXPIRED:
        add_override(&event.json, &operation->ended);
        sl_json_string(&event.json, "cause",
                       operation->change == CHANGE_OVERRIDE_ENDED ? "asked" : "expired");
        break;
    }
    sl_json_string(&event.json, "message", words.text);
    gateway_event_send(&event, operation->launch);
    fprintf(stderr, "sluice: %s\n", words.text);
}

void log_reminder(const struct operation *operation, const struct operation_view *view)
{
    struct gateway_event event;
    char text[512];
    const struct override_state *on = &operation->override;
    snprintf(text, sizeof text, "OVERRIDE '%s' still in force until %s, by %s", on->ruleset,
             moment_text(on->until).text, on->who);
    gateway_event_start(&event, operation->launch, "launcher", "override-reminder", view->number);
    add_override(&event.json, on);
    sl_json_string(&event.json, "message", text);
    gateway_event_send(&event, operation->launch);
    fprintf(stderr, "sluice: %s\n", text);
}

void log_refused_reload(const struct operation *operation, const struct operation_view *view,
                        uint32_t uid, const char *text)
{
    struct gateway_event event;
    char shown[SHOWN_ERROR];
    snprintf(shown, sizeof shown, "%s", text ? text : "out of memory");
    const size_t length = strlen(shown);
    if (length > 0 && shown[length - 1] == '\n')
        shown[length - 1] = '\0';
    gateway_event_start(&event, operation->launch, "launcher", "reload-failed", view->number);
    add_uid(&event.json, uid);
    sl_json_string(&event.json, "error", shown);
    gateway_event_send(&event, operation->launch);
    fprintf(stderr, "%ssluice: not reloaded: policy %s stays in force\n", text ? text : "",
            operation->launch->policy_hash);
}
