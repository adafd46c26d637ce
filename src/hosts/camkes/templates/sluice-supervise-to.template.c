/*# SPDX-License-Identifier: BSD-2-Clause #*/
/*# The supervisor: the right to receive the others' faults, and to stop their threads. The one
  # notification that it waits for is bound to its thread: the clock is heard while it waits for
  # faults. #*/
#include <sel4/sel4.h>
/*- set faults = obj_space.alloc(seL4_EndpointObject, name='%s_faults' % me.instance.name, label=me.instance.name) -*/
/*- set endpoint = alloc_cap('%s_faults' % me.instance.name, faults, read=True) -*/
/*- set wake = obj_space.alloc(seL4_NotificationObject, name='%s_wake' % me.instance.name, label=me.instance.name) -*/
/*- set own_thread = obj_space.alloc(seL4_TCBObject, name='%s_%s_0_control_tcb' % (me.instance.name, me.instance.name), label=me.instance.name) -*/
/*- do own_thread.__setitem__('bound_notification', Cap(wake, read=True)) -*/
/*- set reply = alloc('%s_reply' % me.interface.name, seL4_RTReplyObject) -*/

seL4_CPtr /*? me.interface.name ?*/_endpoint(void);
seL4_CPtr /*? me.interface.name ?*/_reply(void);
seL4_CPtr /*? me.interface.name ?*/_thread(unsigned badge);

seL4_CPtr /*? me.interface.name ?*/_endpoint(void)
{
    return /*? endpoint ?*/;
}

seL4_CPtr /*? me.interface.name ?*/_reply(void)
{
    return /*? reply ?*/;
}

/* Whose faults come with that badge. */
seL4_CPtr /*? me.interface.name ?*/_thread(unsigned badge)
{
    switch (badge) {
/*- for end in me.parent.from_ends -*/
    /*- set name = end.instance.name -*/
    /*- set thread = obj_space.alloc(seL4_TCBObject, name='%s_%s_0_control_tcb' % (name, name), label=name) -*/
    case /*? configuration[name].get('%s_badge' % end.interface.name) ?*/:
        return /*? alloc_cap('stop_%s' % name, thread) ?*/;
/*- endfor -*/
    default:
        return 0;
    }
}
