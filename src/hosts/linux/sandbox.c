/* SPDX-License-Identifier: BSD-2-Clause */
#include "hosts/linux/sandbox.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/if_packet.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NOBODY 65534u /* Debian's user and group "nobody"; owns nothing */

static bool drop_user(void)
{
    if (geteuid() != 0)
        return true;
    /* In a user namespace there may be no other user to become, nor the right to drop groups;
     * capabilities go in any case. */
    if (setgroups(0, NULL) != 0 && errno != EPERM)
        return false;
    if (setresgid(NOBODY, NOBODY, NOBODY) != 0 && errno != EINVAL && errno != EPERM)
        return false;
    return setresuid(NOBODY, NOBODY, NOBODY) == 0 || errno == EINVAL || errno == EPERM;
}

static bool drop_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};
    return syscall(SYS_capset, &header, none) == 0;
}

/* Descriptors in use stay; there is no room for another. */
static bool set_limits(void)
{
    static const int zero[] = {RLIMIT_CORE, RLIMIT_NOFILE, RLIMIT_NPROC, RLIMIT_MEMLOCK,
                               RLIMIT_MSGQUEUE};
    for (unsigned i = 0; i < sizeof zero / sizeof *zero; i++)
        if (setrlimit((__rlimit_resource_t)zero[i], &(struct rlimit){0, 0}) != 0)
            return false;
    return true;
}

const char *sandbox_drop_capabilities(void)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return "cannot set no_new_privs";
    return drop_capabilities() ? NULL : "cannot drop capabilities";
}

const char *sandbox_drop_rights(void)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return "cannot set no_new_privs";
    if (!drop_user())
        return "cannot become another user";
    if (!drop_capabilities())
        return "cannot drop capabilities";
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return "cannot become undumpable";
    return NULL;
}

const char *sandbox_follow_parent(int parent)
{
    /* A change of user clears this, so it comes after. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
        return "cannot ask to end with the launcher";
    if (getppid() != parent)
        _exit(0); /* it has ended in between */
    return NULL;
}

/* Landlock's attribute as of version 6; older kernels take its beginning. */
struct ruleset {
    uint64_t files, network, scope;
};

/* All rights that the versions up to 6 know, so that all are denied: there is no rule. */
static const struct {
    int version;
    struct ruleset denied;
    size_t size;
} landlock_versions[] = {
    {1, {(1u << 13) - 1, 0, 0}, 8},  {2, {(1u << 14) - 1, 0, 0}, 8},
    {3, {(1u << 15) - 1, 0, 0}, 8},  {4, {(1u << 15) - 1, 3, 0}, 16},
    {5, {(1u << 16) - 1, 3, 0}, 16}, {6, {(1u << 16) - 1, 3, 3}, 24},
};

int sandbox_landlock_version(void)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    return version > 0 ? (int)version : 0;
}

const char *sandbox_close_files(void)
{
    int version = sandbox_landlock_version();
    if (version == 0)
        return NULL; /* the launcher says so at the start */
    unsigned known = sizeof landlock_versions / sizeof *landlock_versions;
    unsigned best = (unsigned)version < known ? (unsigned)version - 1 : known - 1;
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &landlock_versions[best].denied,
                               landlock_versions[best].size, 0);
    if (ruleset < 0 || syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
        return "cannot deny the file system (Landlock)";
    close(ruleset);
    return NULL;
}

static struct scmp_arg_cmp argument(unsigned number, enum scmp_compare compare, uint64_t value)
{
    return (struct scmp_arg_cmp){.arg = number, .op = compare, .datum_a = value};
}

static int allow_devices(scmp_filter_ctx filter, unsigned devices)
{
    int failed = 0;
    for (unsigned i = 0; i < devices; i++) {
        const struct scmp_arg_cmp socket = argument(0, SCMP_CMP_EQ, FD_DEVICE + i);
        failed |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(sendto), 1, socket);
        failed |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(sendmmsg), 1, socket);
        /* How many frames the receive ring had no room for. */
        failed |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(getsockopt), 3, socket,
                                   argument(1, SCMP_CMP_EQ, SOL_PACKET),
                                   argument(2, SCMP_CMP_EQ, PACKET_STATISTICS));
    }
    return failed;
}

static int allow_common(scmp_filter_ctx filter)
{
    /* The whole register: the kernel looks at its lower half only. */
    const struct scmp_arg_cmp bell = {.arg = 0,
                                      .op = SCMP_CMP_MASKED_EQ,
                                      .datum_a = ~(uint64_t)(FD_BELLS - 1),
                                      .datum_b = FD_BELL};
    int failed = 0;
    failed |= seccomp_syscall_priority(filter, SCMP_SYS(epoll_pwait2), 255);
    failed |= seccomp_syscall_priority(filter, SCMP_SYS(write), 254);
    failed |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(epoll_pwait2), 2,
                               argument(0, SCMP_CMP_EQ, FD_EPOLL), argument(4, SCMP_CMP_EQ, 0));
    failed |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(write), 1,
                               argument(0, SCMP_CMP_LE, FD_AUDIT));
    failed |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(write), 1, bell);
    /* The clock is read without a system call, except on machines whose clock cannot be. */
    failed |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clock_gettime), 0);
    failed |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(getrandom), 0);
    failed |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(exit_group), 0);
    return failed;
}

/* NULL: errno says why. */
static scmp_filter_ctx make_filter(unsigned devices)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    if (!filter)
        return NULL;
    int failed = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    failed |= allow_common(filter);
    failed |= allow_devices(filter, devices);
    if (!failed)
        return filter;
    seccomp_release(filter);
    errno = failed < 0 ? -failed : EINVAL;
    return NULL;
}

bool sandbox_write_filter(unsigned devices, int fd)
{
    scmp_filter_ctx filter = make_filter(devices);
    const bool written = filter && seccomp_export_bpf(filter, fd) == 0;
    seccomp_release(filter);
    return written;
}

const char *sandbox_restrict_calls(unsigned devices)
{
    if (!set_limits())
        return "cannot set limits";
    scmp_filter_ctx filter = make_filter(devices);
    if (!filter)
        return "cannot make the seccomp filter";
    const int failed = seccomp_load(filter);
    seccomp_release(filter);
    if (failed) {
        errno = failed < 0 ? -failed : EINVAL;
        return "cannot load the seccomp filter";
    }
    return NULL;
}
