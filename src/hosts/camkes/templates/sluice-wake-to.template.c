/*# SPDX-License-Identifier: BSD-2-Clause #*/
/*# The end that waits: the right to wait for its one notification. No thread is added; the
  # control thread waits. #*/
#include <sel4/sel4.h>
/*- set notification = obj_space.alloc(seL4_NotificationObject, name='%s_wake' % me.instance.name, label=me.instance.name) -*/
/*- set cap = alloc_cap('%s_wake' % me.instance.name, notification, read=True) -*/

seL4_CPtr /*? me.interface.name ?*/_notification(void);

seL4_CPtr /*? me.interface.name ?*/_notification(void)
{
    return /*? cap ?*/;
}
