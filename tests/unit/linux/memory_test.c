/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page rights, without a sandbox: what a reader could do to a region if every system call were
 * open to it.
 */
// link: src/hosts/linux/memory.c src/hosts/linux/launch.c
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hosts/linux/memory.h"
#include "policy/board.h"

static struct topology topology;
static struct launch launch;
static struct memory memory;

enum { WRITER, READER, STRANGER, PROCESSES };
#define REGION_SIZE 8192u

/* One region that process 0 writes and process 1 reads; process 2 has nothing to do with it. */
static int make(void **state)
{
    (void)state;
    char error[256];
    topology.component_count = PROCESSES;
    topology.component[STRANGER].has_policy = true;
    topology.region_count = 1;
    strcpy(topology.region[0].name, "region");
    topology.region[0].size = REGION_SIZE;
    topology.map_count = 2;
    topology.map[0] = (struct topology_map){0, WRITER, RIGHT_READ | RIGHT_WRITE, SL_PORT_OUT};
    topology.map[1] = (struct topology_map){0, READER, RIGHT_READ, SL_PORT_IN};
    launch.topology = &topology;
    launch.process_count = PROCESSES;
    launch.policy = "policy";
    launch.policy_size = 7;
    for (uint8_t i = 0; i < PROCESSES; i++) {
        launch.component[i].process = i;
        launch.component[i].config_size = 1;
    }
    return memory_create(&memory, &launch, error, sizeof error) ? 0 : -1;
}

static int release(void **state)
{
    (void)state;
    memory_release(&memory);
    return 0;
}

static uint8_t *view(unsigned process)
{
    return memory.view[process][0].base;
}

static void writer_is_seen_by_reader(void **state)
{
    (void)state;
    assert_null(view(STRANGER));
    assert_ptr_not_equal(view(WRITER), view(READER));
    view(WRITER)[REGION_SIZE - 1] = 7;
    assert_int_equal(view(READER)[REGION_SIZE - 1], 7);
}

static void no_descriptor_stays(void **state)
{
    (void)state;
    DIR *directory = opendir("/proc/self/fd");
    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory));) {
        char target[256] = "";
        if (readlinkat(dirfd(directory), entry->d_name, target, sizeof target - 1) > 0)
            assert_null(strstr(target, "memfd"));
    }
    closedir(directory);
}

static void reader_cannot_protect_it_writable(void **state)
{
    (void)state;
    assert_int_equal(mprotect(view(READER), REGION_SIZE, PROT_READ | PROT_WRITE), -1);
    assert_int_equal(errno, EACCES);
}

static void reader_cannot_write_through_proc_mem(void **state)
{
    (void)state;
    int fd = open("/proc/self/mem", O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, "x", 1, (off_t)(uintptr_t)view(READER)), -1);
    close(fd);
}

static void reader_cannot_write_as_a_process(void **state)
{
    (void)state;
    char byte = 'x';
    struct iovec from = {&byte, 1}, to = {view(READER), 1};
    assert_int_equal(process_vm_writev(getpid(), &from, 1, &to, 1, 0), -1);
}

/* A debugger may write where even the program may not, but not here. */
static void debugger_cannot_write(void **state)
{
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        raise(SIGSTOP);
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    if (!WIFSTOPPED(status))
        skip();
    assert_int_equal(ptrace(PTRACE_POKEDATA, child, view(READER), 1), -1);
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
}

/* /proc/self/map_files and the name of the memfd lead to the same file, which can be opened for
 * writing (by root, for map_files): the seal is what holds. */
static void reopened_file_cannot_be_written(void **state)
{
    (void)state;
    char path[128];
    snprintf(path, sizeof path, "/proc/self/map_files/%lx-%lx", (unsigned long)view(READER),
             (unsigned long)view(READER) + REGION_SIZE);
    int fd = open(path, O_RDWR);
    if (fd < 0)
        skip(); /* not root: it cannot even be opened */
    assert_int_equal(write(fd, "x", 1), -1);
    assert_int_equal(ftruncate(fd, 0), -1);
    assert_int_equal(ftruncate(fd, 1 << 20), -1);
    assert_ptr_equal(mmap(NULL, REGION_SIZE, PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
    void *readable = mmap(NULL, REGION_SIZE, PROT_READ, MAP_SHARED, fd, 0);
    assert_ptr_not_equal(readable, MAP_FAILED);
    assert_int_equal(mprotect(readable, REGION_SIZE, PROT_READ | PROT_WRITE), -1);
    munmap(readable, REGION_SIZE);
    assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
    close(fd);
}

static bool mapped(const void *base)
{
    unsigned char resident;
    return mincore((void *)(uintptr_t)base, 1, &resident) == 0;
}

static int run_in_child(bool (*check)(void))
{
    pid_t child = fork();
    if (child == 0)
        _exit(check() ? 0 : 1);
    int status;
    waitpid(child, &status, 0);
    return status;
}

static bool reader_keeps_its_own(void)
{
    const struct memory before = memory;
    memory_keep(&memory, &launch, READER);
    return mapped(before.view[READER][0].base) && !mapped(before.view[WRITER][0].base) &&
           !mapped(before.policy.base) && mapped(before.config[READER].base) &&
           !mapped(before.config[WRITER].base) && !mapped(before.config[STRANGER].base);
}

static bool stranger_keeps_the_policy(void)
{
    const struct memory before = memory;
    memory_keep(&memory, &launch, STRANGER);
    return !mapped(before.view[READER][0].base) && !mapped(before.view[WRITER][0].base) &&
           mapped(before.policy.base) &&
           strcmp(policy_board_image(before.policy.base, 0), "policy") == 0;
}

static void child_keeps_only_its_own(void **state)
{
    (void)state;
    assert_int_equal(run_in_child(reader_keeps_its_own), 0);
    assert_int_equal(run_in_child(stranger_keeps_the_policy), 0);
}

static void guards_on_both_sides(void **state)
{
    (void)state;
    int pipe_ends[2];
    assert_int_equal(pipe(pipe_ends), 0);
    /* The kernel's own access says EFAULT where ours would die. */
    assert_int_equal(write(pipe_ends[1], view(WRITER) - 1, 1), -1);
    assert_int_equal(errno, EFAULT);
    assert_int_equal(write(pipe_ends[1], view(WRITER) + REGION_SIZE, 1), -1);
    assert_int_equal(write(pipe_ends[1], view(WRITER) + REGION_SIZE - 1, 1), 1);
    close(pipe_ends[0]);
    close(pipe_ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(writer_is_seen_by_reader, make, release),
        cmocka_unit_test_setup_teardown(no_descriptor_stays, make, release),
        cmocka_unit_test_setup_teardown(reader_cannot_protect_it_writable, make, release),
        cmocka_unit_test_setup_teardown(reader_cannot_write_through_proc_mem, make, release),
        cmocka_unit_test_setup_teardown(reader_cannot_write_as_a_process, make, release),
        cmocka_unit_test_setup_teardown(debugger_cannot_write, make, release),
        cmocka_unit_test_setup_teardown(reopened_file_cannot_be_written, make, release),
        cmocka_unit_test_setup_teardown(child_keeps_only_its_own, make, release),
        cmocka_unit_test_setup_teardown(guards_on_both_sides, make, release),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
