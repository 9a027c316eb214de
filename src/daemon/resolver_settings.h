/* SPDX-License-Identifier: Apache-2.0 */
/* resolver_settings: the resolver of the section [probe], for back roles. */
#pragma once

#include "daemon/role.h"
#include "io/resolver.h"

struct arena;

/*
 * In open: reads the settings into *out, whose lists live in a and the
 * settings, and lets the role read what the resolver reads. ST_INVALID:
 * probe.stubs is malformed.
 */
enum status resolver_settings_read(struct role_env *env, struct arena *a,
	struct resolver_options *out, struct err *e);
