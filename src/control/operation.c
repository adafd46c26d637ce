/* SPDX-License-Identifier: BSD-2-Clause */
#include "control/operation.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "control/change_log.h"
#include "control/metrics_file.h"
#include "control/status.h"
#include "hosts/linux/audit_writer.h"
#include "policy/compiler/scalars.h"

#define NS_PER_S      UINT64_C(1000000000)
#define REMINDER_NS   (UINT64_C(600) * NS_PER_S)
#define NOBODY_ASKED  UINT32_MAX
#define STATUS_OK     0 /* as enum cli_status */
#define STATUS_FAILED 1
#define STATUS_UNABLE 2

static int64_t unix_now(void)
{
    return (int64_t)time(NULL);
}

/* ---- the policy in force ---- */

/* The site's own rules, or with `override` ("": none). False: said on `errors`, nothing changed. */
static bool put_in_force(struct operation *operation, struct site *site, const char *override,
                         enum operation_change change, FILE *errors)
{
    struct site *with = override[0] ? site_with_override(site, override, errors) : NULL;
    size_t size = 0;
    void *image = override[0] && !with ? NULL : site_compile(with ? with : site, &size, errors);
    site_free(with);
    if (!image)
        return false;
    memcpy(operation->before, operation->launch->policy_hash, sizeof operation->before);
    free(operation->image);
    operation->image = image;
    launch_set_policy(operation->launch, image, size);
    operation->change = change;
    return true;
}

void operation_in_force(struct operation *operation, const struct operation_view *view)
{
    if (operation->change == CHANGE_NONE)
        return;
    log_change(operation, view);
    if (operation->asked) {
        char *text = NULL;
        if (asprintf(&text, "%s\n", change_words(operation).text) < 0)
            text = NULL;
        control_answer(operation->asked, STATUS_OK, text);
    }
    operation->asked = NULL;
    operation->change = CHANGE_NONE;
}

/* Answers now, or once what was asked is in force. */
static void answer_then(struct operation *operation, struct control_client *client,
                        const struct operation_view *view)
{
    operation->asked = client;
    operation->uid = client ? client->uid : NOBODY_ASKED;
    if (client)
        client->held = true;
    if (!view->running) /* the next start has it */
        operation_in_force(operation, view);
}

/* ---- reload ---- */

/* Until when, by both clocks: whichever comes first ends it. */
static void set_end(struct operation *operation, uint64_t now)
{
    const int64_t left = operation->override.until - unix_now();
    operation->override_end = now + (left > 0 ? (uint64_t)left : 0) * NS_PER_S;
    operation->reminder = now + REMINDER_NS;
}

/* An override lasts at most the `max` that the file has now. True: it is shorter than it was. */
static bool within_max(struct override_state *override, uint64_t longest)
{
    const int64_t last = override->started + (int64_t)(longest / NS_PER_S);
    if (override->until <= last)
        return false;
    override->until = last;
    return true;
}

/* After a reload. */
static void shorten_override(struct operation *operation, uint64_t now)
{
    char error[512];
    uint64_t longest;
    if (!operation->override.ruleset[0] ||
        !site_override(operation->site, operation->override.ruleset, &longest) ||
        !within_max(&operation->override, longest))
        return;
    set_end(operation, now);
    operation->reminder = now; /* the log says until when it is now */
    if (!override_save(operation->state, &operation->override, error, sizeof error))
        fprintf(stderr, "sluice: %s\n", error);
}

static bool still_has_override(const struct operation *operation, const struct site *site,
                               FILE *errors)
{
    uint64_t longest;
    if (!operation->override.ruleset[0] ||
        site_override(site, operation->override.ruleset, &longest))
        return true;
    fprintf(errors,
            "%s:1:1: found no override '%s', which is in force, expected it: `sluice override "
            "--end` first\n",
            site->path, operation->override.ruleset);
    return false;
}

static void reload(struct operation *operation, struct control_client *client,
                   const struct operation_view *view)
{
    char *text = NULL;
    size_t length = 0;
    FILE *errors = open_memstream(&text, &length);
    if (!errors)
        return;
    struct site *site = site_load(operation->site->path, errors);
    const bool good =
        site && site_same_plant(operation->site, site, errors) &&
        still_has_override(operation, site, errors) &&
        put_in_force(operation, site, operation->override.ruleset, CHANGE_RELOAD, errors);
    fclose(errors);
    operation->hang_up = false;
    if (good) {
        if (operation->launch->writer) /* what it says of the log is the same */
            operation->launch->writer->site = site;
        site_free(operation->site);
        operation->site = site;
        free(text);
        shorten_override(operation, view->now);
        answer_then(operation, client, view);
        return;
    }
    site_free(site);
    log_refused_reload(operation, view, client ? client->uid : NOBODY_ASKED, text);
    char *answer = NULL;
    if (client) {
        if (asprintf(&answer, "%ssluice: not reloaded: policy %s stays in force\n",
                     text ? text : "", operation->launch->policy_hash) < 0)
            answer = NULL;
        control_answer(client, STATUS_FAILED, answer);
    }
    free(text);
}

/* ---- override ---- */

static void refuse(struct control_client *client, char *text)
{
    control_answer(client, STATUS_FAILED, text);
}

__attribute__((format(printf, 1, 2))) static char *words(const char *format, ...)
{
    va_list arguments;
    char *text = NULL;
    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0)
        text = NULL;
    va_end(arguments);
    return text;
}

static bool end_override(struct operation *operation, enum operation_change change, FILE *errors)
{
    char error[512];
    if (!put_in_force(operation, operation->site, "", change, errors))
        return false;
    operation->ended = operation->override;
    operation->override = (struct override_state){0};
    if (!override_forget(operation->state, error, sizeof error))
        fprintf(stderr, "sluice: %s: remove it, or a restart takes the override up again\n", error);
    return true;
}

static void end(struct operation *operation, struct control_client *client,
                const struct operation_view *view)
{
    if (!operation->override.ruleset[0]) {
        refuse(client, words("sluice: no override is in force\n"));
        return;
    }
    if (end_override(operation, CHANGE_OVERRIDE_ENDED, stderr))
        answer_then(operation, client, view);
    else
        refuse(client, words("sluice: out of memory: the override goes on\n"));
}

/* What is wrong with the request, in words; NULL: nothing, `*wanted` is filled in. */
static char *read_override(const struct operation *operation, const struct control_client *client,
                           struct override_state *wanted)
{
    char lasts[32];
    uint64_t longest, asked;
    const char *const request = client->request;
    if (!control_value(request, "ruleset", wanted->ruleset, sizeof wanted->ruleset) ||
        !site_override(operation->site, wanted->ruleset, &longest)) {
        char *names = words("%s", "");
        for (size_t i = 0; names && site_override_name(operation->site, i); i++) {
            char *more =
                words("%s%s%s", names, i ? ", " : "", site_override_name(operation->site, i));
            free(names);
            names = more;
        }
        char *text =
            words("sluice: found no override '%s' in %s, expected one of its 'overrides': %s\n",
                  wanted->ruleset, operation->site->path, names && *names ? names : "it has none");
        free(names);
        return text;
    }
    if (!control_value(request, "for", lasts, sizeof lasts) || !parse_duration(lasts, &asked) ||
        asked < NS_PER_S)
        return words("sluice: found --for '%s', expected how long, such as 30min or 2h\n", lasts);
    if (asked > longest)
        return words("sluice: found --for %s, expected at most the %g h that %s sets for override "
                     "'%s'\n",
                     lasts, (double)longest / 3600e9, operation->site->path, wanted->ruleset);
    if (!control_value(request, "who", wanted->who, sizeof wanted->who) ||
        !override_text_good(wanted->who))
        return words("sluice: found no --who, expected the name of whoever answers for it, up to "
                     "%u bytes of text in UTF-8\n",
                     OVERRIDE_TEXT - 1);
    if (!control_value(request, "why", wanted->why, sizeof wanted->why) ||
        !override_text_good(wanted->why))
        return words("sluice: found no --why, expected the reason, up to %u bytes of text in "
                     "UTF-8\n",
                     OVERRIDE_TEXT - 1);
    if (operation->override.ruleset[0] && strcmp(operation->override.ruleset, wanted->ruleset) != 0)
        return words("sluice: override '%s' of %s is in force: `sluice override --end` first\n",
                     operation->override.ruleset, operation->override.who);
    wanted->started = unix_now();
    wanted->until = wanted->started + (int64_t)(asked / NS_PER_S);
    wanted->uid = client->uid;
    return NULL;
}

/* Where systemd has not made it; if it cannot be made, keeping the state fails and says so. */
static void make_states(const struct operation *operation)
{
    if (strncmp(operation->state, CONTROL_STATES "/", sizeof CONTROL_STATES) == 0)
        mkdir(CONTROL_STATES, 0755);
}

static void start(struct operation *operation, struct control_client *client,
                  const struct operation_view *view)
{
    struct override_state wanted = {0};
    char error[512];
    char *wrong = read_override(operation, client, &wanted);
    if (wrong) {
        refuse(client, wrong);
        return;
    }
    const enum operation_change change =
        operation->override.ruleset[0] ? CHANGE_OVERRIDE_RENEWED : CHANGE_OVERRIDE_START;
    /* Kept first: what is in force must survive a restart, and so must its end. */
    make_states(operation);
    if (!operation->state[0] || !override_save(operation->state, &wanted, error, sizeof error)) {
        refuse(client, operation->state[0]
                           ? words("sluice: the override cannot be kept over a restart: %s; see "
                                   "gateway/control/state\n",
                                   error)
                           : words("sluice: gateway/control/state is none: an override could not "
                                   "be kept over a restart\n"));
        return;
    }
    if (!put_in_force(operation, operation->site, wanted.ruleset, change, stderr)) {
        if (change == CHANGE_OVERRIDE_RENEWED) /* the one in force goes on */
            override_save(operation->state, &operation->override, error, sizeof error);
        else
            override_forget(operation->state, error, sizeof error);
        refuse(client, words("sluice: out of memory: nothing is changed\n"));
        return;
    }
    operation->override = wanted;
    set_end(operation, view->now);
    answer_then(operation, client, view);
}

static bool override_is_over(const struct operation *operation, uint64_t now)
{
    return operation->override.ruleset[0] &&
           (now >= operation->override_end || unix_now() >= operation->override.until);
}

/* ---- requests ---- */

static bool verb_is(const struct control_client *client, const char *verb)
{
    const size_t length = strlen(verb);
    return strncmp(client->request, verb, length) == 0 && client->request[length] == '\n';
}

/* False: it must wait, as the policy cannot be changed just now. */
static bool handle(struct operation *operation, struct control_client *client,
                   const struct operation_view *view)
{
    if (verb_is(client, "status")) {
        control_answer(client, STATUS_OK, status_text(operation, view, client->request));
        return true;
    }
    const bool known = verb_is(client, "reload") || verb_is(client, "override");
    if (!known) {
        control_answer(client, STATUS_UNABLE,
                       words("sluice: found a request that this gateway does not know: is the "
                             "`sluice` that asks a newer one?\n"));
        return true;
    }
    if (view->busy || operation->change != CHANGE_NONE)
        return false;
    char word[8];
    service_manager_long_work(operation->manager, true);
    if (verb_is(client, "reload"))
        reload(operation, client, view);
    else if (control_value(client->request, "end", word, sizeof word))
        end(operation, client, view);
    else
        start(operation, client, view);
    service_manager_long_work(operation->manager, false);
    return true;
}

static bool has_metrics_file(const struct operation *operation)
{
    const char *const path = operation->site->control.metrics;
    return path[0] && strcmp(path, "none") != 0;
}

void operation_serve(struct operation *operation, const struct operation_view *view)
{
    control_serve(&operation->server, view->now);
    struct control_client *waits[CONTROL_CLIENTS];
    unsigned waiting = 0;
    for (struct control_client *client; (client = control_next(&operation->server));)
        if (!handle(operation, client, view)) {
            client->held = true; /* for this look only */
            waits[waiting++] = client;
        }
    while (waiting > 0)
        waits[--waiting]->held = false;
    /* Who asked has left: what was asked goes on. */
    if (operation->asked && operation->asked->fd < 0)
        operation->asked = NULL;
    if (has_metrics_file(operation) && view->now >= operation->metrics_due)
        metrics_file_write(operation, view);
    if (operation->override.ruleset[0] && view->now >= operation->reminder) {
        log_reminder(operation, view);
        operation->reminder = view->now + REMINDER_NS;
    }
    if (view->busy || operation->change != CHANGE_NONE)
        return;
    const bool over = override_is_over(operation, view->now);
    if (!over && !operation->hang_up)
        return;
    service_manager_long_work(operation->manager, true);
    if (over && end_override(operation, CHANGE_OVERRIDE_EXPIRED, stderr))
        answer_then(operation, NULL, view);
    else if (operation->hang_up)
        reload(operation, NULL, view);
    service_manager_long_work(operation->manager, false);
}

nfds_t operation_poll_set(const struct operation *operation, struct pollfd *set)
{
    return control_poll_set(&operation->server, set);
}

uint64_t operation_deadline(const struct operation *operation, bool busy)
{
    uint64_t first = control_deadline(&operation->server);
    if (operation->override.ruleset[0] && operation->reminder < first)
        first = operation->reminder;
    if (operation->override.ruleset[0] && !busy && operation->override_end < first)
        first = operation->override_end;
    if (has_metrics_file(operation) && operation->metrics_due < first)
        first = operation->metrics_due;
    return first;
}

/* ---- start and end ---- */

/* "plant" of "/etc/sluice/plant.yaml": how a gateway is told from others on one machine. */
static void site_name(const char *path, char *name, size_t size)
{
    const char *base = strrchr(path, '/');
    snprintf(name, size, "%s", base ? base + 1 : path);
    char *dot = strrchr(name, '.');
    if (dot && dot != name)
        *dot = '\0';
}

static bool open_socket(struct operation *operation, const char *given)
{
    const struct site_control *control = &operation->site->control;
    char name[64], path[CONTROL_PATH_SIZE * 2], error[512];
    const char *wanted = given ? given : control->socket[0] ? control->socket : NULL;
    operation->server.fd = -1;
    if (wanted && strcmp(wanted, "none") == 0)
        return true;
    if (!wanted) {
        site_name(operation->site->path, name, sizeof name);
        snprintf(path, sizeof path, CONTROL_DIRECTORY "/%s.sock", name);
        mkdir(CONTROL_DIRECTORY, 0755); /* where systemd has not; if it cannot be, that is said */
    }
    const unsigned mode = control->mode       ? control->mode
                          : control->group[0] ? CONTROL_MODE_GROUP
                                              : CONTROL_MODE;
    if (control_open(&operation->server, wanted ? wanted : path, mode, control->group, error,
                     sizeof error))
        return true;
    fprintf(stderr, "sluice: %s%s\n", error,
            wanted ? ": not started"
                   : ": no status, reload or override for this run; gateway/control/socket names "
                     "another place");
    return wanted == NULL;
}

static bool find_state(struct operation *operation)
{
    const struct site_control *control = &operation->site->control;
    char name[64];
    if (strcmp(control->state, "none") == 0)
        return false;
    if (control->state[0]) {
        memcpy(operation->state, control->state, sizeof operation->state);
        return true;
    }
    site_name(operation->site->path, name, sizeof name);
    snprintf(operation->state, sizeof operation->state, CONTROL_STATES "/%s.override", name);
    return true;
}

/* An override that was in force when the gateway ended. What cannot be read grants nothing. */
static void resume_override(struct operation *operation, uint64_t now)
{
    struct override_state kept;
    char error[512];
    uint64_t longest;
    if (!find_state(operation))
        return;
    switch (override_load(operation->state, &kept, error, sizeof error)) {
    case OVERRIDE_NONE:
        return;
    case OVERRIDE_SPOILT:
        fprintf(stderr, "sluice: %s: no override is in force\n", error);
        return;
    case OVERRIDE_KEPT:
        break;
    }
    const bool named = site_override(operation->site, kept.ruleset, &longest);
    if (named)
        within_max(&kept, longest);
    operation->ended = kept;
    if (!named) {
        fprintf(stderr,
                "sluice: override '%s' was in force, but %s has none of this name: it is over\n",
                kept.ruleset, operation->site->path);
        operation->change = CHANGE_OVERRIDE_EXPIRED;
    } else if (unix_now() >= kept.until || unix_now() < kept.started) {
        operation->change = CHANGE_OVERRIDE_EXPIRED; /* or the clock is not what it was */
    } else if (put_in_force(operation, operation->site, kept.ruleset, CHANGE_OVERRIDE_RESUMED,
                            stderr)) {
        operation->override = kept;
        set_end(operation, now);
        return;
    }
    if (!override_forget(operation->state, error, sizeof error))
        fprintf(stderr, "sluice: %s\n", error);
}

bool operation_start(struct operation *operation, struct launch *launch, struct site *site,
                     const char *socket)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    *operation = (struct operation){.launch = launch,
                                    .site = site,
                                    .uid = NOBODY_ASKED,
                                    .started = (uint64_t)unix_now(),
                                    .server.fd = -1};
    if (!put_in_force(operation, site, "", CHANGE_NONE, stderr) || !open_socket(operation, socket))
        return false;
    resume_override(operation, (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec);
    return true;
}

void operation_stop(struct operation *operation)
{
    control_close(&operation->server);
    free(operation->image);
    site_free(operation->site);
}
