// SPDX-License-Identifier: BSL-1.0
//
// The version of the library, for the preprocessor. No other file states it: Meson reads it from here.
#pragma once

/// The first number of the version.
#define PVHBOOT_VERSION_MAJOR 0
/// The second one.
#define PVHBOOT_VERSION_MINOR 1
/// The third one.
#define PVHBOOT_VERSION_PATCH 0

/// The version as one number that orders like versions: major * 1000000 + minor * 1000 + patch. 0.1.0 is 1000:
///
///     #if PVHBOOT_VERSION >= 1002  // 0.1.2 or later
#define PVHBOOT_VERSION (PVHBOOT_VERSION_MAJOR * 1000000 + PVHBOOT_VERSION_MINOR * 1000 + PVHBOOT_VERSION_PATCH)
