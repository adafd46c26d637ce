/*# SPDX-License-Identifier: BSD-2-Clause #*/
/*# A device's interrupt as one more badge of the component's one notification. The stock
  # seL4HardwareInterrupt has a notification, a thread and a stack for each interrupt. #*/
#include <sel4/sel4.h>
/*- set device = configuration[me.parent.from_instance.name] -*/
/*- set name = me.parent.from_interface.name -*/
/*- set number = device.get('%s_irq_number' % name) -*/
/*- set badge = configuration[me.instance.name].get('%s_badge' % me.interface.name) -*/
/*- if number is none or badge is none -*/
    /*? raise(TemplateError('%s.%s_irq_number and %s.%s_badge must be set' % (me.parent.from_instance.name, name, me.instance.name, me.interface.name))) ?*/
/*- endif -*/
/*- set trigger = seL4_ARM_IRQ_EDGE if device.get('%s_irq_trigger' % name) == 'edge' else seL4_ARM_IRQ_LEVEL -*/
/*- set notification = obj_space.alloc(seL4_NotificationObject, name='%s_wake' % me.instance.name, label=me.instance.name) -*/
/*- set handler = alloc('%s_irq' % me.interface.name, seL4_IRQHandler, number=int(number), trigger=trigger, target=0, notification=Cap(notification, write=True, badge=int(badge))) -*/

int /*? me.interface.name ?*/_acknowledge(void);

int /*? me.interface.name ?*/_acknowledge(void)
{
    return seL4_IRQHandler_Ack(/*? handler ?*/);
}
