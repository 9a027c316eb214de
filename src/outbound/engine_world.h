/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine_world: the engine's questions put to the real world, by sts_discover
 * and dane_discover.
 */
#pragma once

#include "outbound/dane_discover.h"
#include "outbound/engine.h"
#include "outbound/sts_discover.h"

struct engine_net;

/* Copies both, but not what they point at. */
struct engine_net *engine_net_new(const struct sts_discover_env *sts,
	const struct dane_discover_env *dane);

/* Every question must have ended; clears *n; NULL is allowed. */
void engine_net_free(struct engine_net **n);

/* For engine_options; borrowed from n. */
const struct engine_world *engine_world_of(const struct engine_net *n);
