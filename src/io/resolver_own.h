/* SPDX-License-Identifier: Apache-2.0 */
/* resolver_own: what resolver.c and resolver_event.c share. */
#pragma once

#include <unbound.h>

#include "io/resolver.h"

/* A setting of unbound.conf(5), its name with the colon. */
struct resolver_setting {
	const char *name, *value;
};

/*
 * Sets a fresh context up: settings, servers, stubs, trust anchor. The context
 * stays the caller's. Statuses as resolver_open's.
 */
enum status resolver_set_up(struct ub_ctx *ub, const struct resolver_options *o,
	const struct resolver_setting *settings, size_t n_settings,
	struct err *e);
