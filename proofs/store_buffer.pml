/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Weak memory for the models: one store buffer for each process and variable. A store goes into
 * the buffer and is seen by the other side at any later time, in order with the stores to the
 * same variable only; which allows what x86 (one buffer a process) and more of what ARM does.
 * A full fence waits until the process's buffers have drained; so does a release, of what it
 * must follow. Notifications do not pass through the buffers: nothing says that a kernel's
 * path is a barrier for the data of who calls it.
 */
#define STORE(variable, value) variable##_buffer ! (value)
#define DRAINED(variable)      empty(variable##_buffer)
#define DRAIN(variable)        variable##_buffer ? variable
