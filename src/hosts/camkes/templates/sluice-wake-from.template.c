/*# SPDX-License-Identifier: BSD-2-Clause #*/
/*# One end that may wake: the right to signal the receiver's notification, and no more, with the
  # badge that the assembly gives it (<instance>.<interface>_badge). #*/
#include <sel4/sel4.h>
/*- set badge = configuration[me.instance.name].get('%s_badge' % me.interface.name) -*/
/*- if badge is none -*/
    /*? raise(TemplateError('Setting %s.%s_badge that should specify the badge of a wake-up is not defined' % (me.instance.name, me.interface.name))) ?*/
/*- endif -*/
/*- set notification = obj_space.alloc(seL4_NotificationObject, name='%s_wake' % me.parent.to_instance.name, label=me.parent.to_instance.name) -*/
/*- set cap = alloc_cap('%s_%s' % (me.instance.name, me.interface.name), notification, write=True) -*/
/*- do cap_space.cnode[cap].set_badge(int(badge)) -*/

void /*? me.interface.name ?*/_emit_underlying(void);

void /*? me.interface.name ?*/_emit_underlying(void)
{
    seL4_Signal(/*? cap ?*/);
}
