/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What CAmkES's runtime asks of the C library at a component's start, for components that ask
 * nothing of it themselves: no system call, no heap, no output. Each definition here stands in for
 * one that an archive would bring in, and with it printf, malloc, the device tree and serial
 * drivers: 90 KiB in every component. Release builds only. A name that the checkout at hand does
 * not know is not missed; one that it defines otherwise is refused by the compiler or the linker.
 */
#include <arch_stdio.h>
#include <camkes/error.h>
#include <camkes/syscalls.h>
#include <stdint.h>
#include <stdlib.h>
#include <utils/zf_log.h>

/* The C library's system calls (libsel4muslcsys, libsel4camkes). */
long sel4_vsyscall(long number, ...);
long sel4_vsyscall(long number, ...)
{
    (void)number;
    return -38; /* ENOSYS */
}

extern uintptr_t __vsyscall_ptr;
uintptr_t __vsyscall_ptr = (uintptr_t)sel4_vsyscall;

void camkes_install_syscalls(void) {}

write_buf_fn sel4muslcsys_register_stdio_write_fn(write_buf_fn write)
{
    return write;
}

/* Its start. */
void muslcsys_init_muslc(void);
void muslcsys_init_muslc(void) {}

/* Its heap: assigned by each component's start code, used by nobody. */
extern char *morecore_area;
extern size_t morecore_size;
char *morecore_area;
size_t morecore_size;

/* What libplatsupport would register to read interrupts from a device tree. */
extern void *arm_gic_ptr, *arm_gicv3_ptr, *tegra_ictlr_ptr, *fsl_avic_ptr, *ti_omap3_ptr;
void *arm_gic_ptr, *arm_gicv3_ptr, *tegra_ictlr_ptr, *fsl_avic_ptr, *ti_omap3_ptr;

/* Errors and their words: a start that fails ends the component, which is all that could be done.
 */
int _zf_log_output_lvl = ZF_LOG_NONE;

void _zf_log_write(const int level, const char *const tag, const char *const format, ...)
{
    (void)level, (void)tag, (void)format;
}

camkes_error_action_t camkes_error(camkes_error_t *error)
{
    (void)error;
    return CEA_ABORT;
}

_Noreturn void abort(void)
{
    for (;;)
        __builtin_trap();
}
