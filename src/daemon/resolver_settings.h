/* SPDX-License-Identifier: Apache-2.0 */
/* resolver_settings: the resolver of the section [probe], for back roles. */
#pragma once

#include "daemon/role.h"
#include "io/resolver.h"

struct arena;

/*
 * In open: the settings, whose lists live in a and in them, and leave for the
 * role to read what the resolver reads.
 */
struct resolver_options resolver_settings_read(
	struct role_env *env, struct arena *a);
