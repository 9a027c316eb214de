/* SPDX-License-Identifier: Apache-2.0 */
/* stub_settings: a setting of the type SETTING_STUBS as resolvers take it. */
#pragma once

#include "base/arena.h"
#include "io/resolver.h"

struct settings;

/* The n stubs of "section.key": an array in a, whose texts live in set. */
struct resolver_stub *stub_settings_read(const struct settings *set,
	const char *key, struct arena *a, size_t *n);
