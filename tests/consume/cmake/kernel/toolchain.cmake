# SPDX-License-Identifier: BSL-1.0
# A machine without an operating system: no program of it runs here, and none has a C library. The test passes the compiler.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR i386)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_CXX_FLAGS_INIT "-m32 -O2 -ffreestanding -nostdinc++ -fno-exceptions -fno-rtti -fno-pic -fno-stack-protector \
-fno-asynchronous-unwind-tables -fcf-protection=none -mgeneral-regs-only")
set(CMAKE_EXE_LINKER_FLAGS_INIT "-nostdlib -static -Wl,--build-id=none -Wl,-z,max-page-size=4096 -Wl,-z,noexecstack")
