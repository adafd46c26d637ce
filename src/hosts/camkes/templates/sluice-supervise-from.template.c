/*# SPDX-License-Identifier: BSD-2-Clause #*/
/*# One whose faults go to the supervisor: the kernel sends them there, with the badge that the
  # assembly gives (<instance>.<interface>_badge). The component itself gets no capability. #*/
/*- set badge = configuration[me.instance.name].get('%s_badge' % me.interface.name) -*/
/*- if badge is none -*/
    /*? raise(TemplateError('Setting %s.%s_badge that should specify the badge of faults is not defined' % (me.instance.name, me.interface.name))) ?*/
/*- endif -*/
/*- set faults = obj_space.alloc(seL4_EndpointObject, name='%s_faults' % me.parent.to_instance.name, label=me.parent.to_instance.name) -*/
/*- set thread = obj_space.alloc(seL4_TCBObject, name='%s_%s_0_control_tcb' % (me.instance.name, me.instance.name), label=me.instance.name) -*/
/*- do thread.__setitem__('fault_ep_slot', Cap(faults, write=True, grantreply=True, badge=int(badge))) -*/
