# SPDX-License-Identifier: BSD-2-Clause
# What Sluice needs of kernel and CAmkES; read by the checkout before anything is configured.

# Deadlines: the clock component sleeps by giving up its budget, which only the MCS kernel has.
set(KernelIsMCS ON CACHE BOOL "" FORCE)
# Time: user code may read the virtual counter. No timer register may be exported beside it: a
# register that one component writes and another reads is a path between them.
set(KernelArmExportVCNTUser ON CACHE BOOL "" FORCE)
set(KernelArmExportPTMRUser OFF CACHE BOOL "" FORCE)
set(KernelArmExportVTMRUser OFF CACHE BOOL "" FORCE)

# No second thread in each component to print its faults.
set(CAmkESFaultHandlers OFF CACHE BOOL "" FORCE)
# No component needs its own thread's capability. The CAmkES that was tried leaves it all the same.
set(CAmkESProvideTCBCaps OFF CACHE BOOL "" FORCE)

# Thread-local storage of a component takes 56 bytes and its header, not the 16 KiB set aside.
set(Sel4RuntimeStaticTLS 1024 CACHE STRING "" FORCE)
