/* SPDX-License-Identifier: BSD-2-Clause */
#include "hosts/microkit/bench.h"

#include <microkit.h>
#if defined(CONFIG_BENCHMARK_TRACK_UTILISATION)
#include <sel4/benchmark_utilisation_types.h>
#endif

void bench_begin(const struct domain_supervisor_config *config)
{
#if defined(CONFIG_BENCHMARK_TRACK_UTILISATION)
    seL4_BenchmarkResetLog();
    for (unsigned i = 0; i < config->child_count; i++)
        seL4_BenchmarkResetThreadUtilisation(BASE_TCB_CAP + i);
#else
    (void)config;
#endif
}

void bench_end(void)
{
#if defined(CONFIG_BENCHMARK_TRACK_UTILISATION)
    seL4_BenchmarkFinalizeLog();
#endif
}

#if defined(CONFIG_BENCHMARK_TRACK_UTILISATION)
static void report_domain(const struct domain_supervisor_config *config, unsigned child,
                          struct sl_json *json)
{
    seL4_BenchmarkGetThreadUtilisation(BASE_TCB_CAP + child);
    const uint64_t *words = (const uint64_t *)&seL4_GetIPCBuffer()->msg[0];
    sl_json_open_object(json, config->child[child]);
    sl_json_number(json, "cycles", words[BENCHMARK_TCB_UTILISATION]);
    sl_json_number(json, "kernel", words[BENCHMARK_TCB_KERNEL_UTILISATION]);
    sl_json_number(json, "entries", words[BENCHMARK_TCB_NUMBER_KERNEL_ENTRIES]);
    sl_json_number(json, "schedules", words[BENCHMARK_TCB_NUMBER_SCHEDULES]);
    sl_json_close_object(json);
    if (child + 1 == config->child_count) {
        sl_json_number(json, "idle_cycles", words[BENCHMARK_IDLE_LOCALCPU_UTILISATION]);
        sl_json_number(json, "total_cycles", words[BENCHMARK_TOTAL_UTILISATION]);
        sl_json_number(json, "total_kernel", words[BENCHMARK_TOTAL_KERNEL_UTILISATION]);
        sl_json_number(json, "total_entries", words[BENCHMARK_TOTAL_NUMBER_KERNEL_ENTRIES]);
    }
}
#endif

void bench_report(const struct domain_supervisor_config *config, struct sl_json *json)
{
    const struct domain_bench *bench = (const void *)config->bench.base;
    sl_json_number(json, "requests", bench->last - bench->first);
    sl_json_number(json, "ticks", bench->end - bench->start);
#if defined(CONFIG_BENCHMARK_TRACK_UTILISATION)
    for (unsigned i = 0; i < config->child_count; i++)
        report_domain(config, i, json);
#endif
}
