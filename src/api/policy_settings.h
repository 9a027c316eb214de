/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_settings: the section policy and the sections [profile NAME] as what
 * the sending side takes. The role policy and moat explain read them alike.
 */
#pragma once

#include "base/arena.h"
#include "outbound/policy_service.h"

struct settings;

/* The options; what they point at lives in a or in set. */
struct policy_service_options policy_settings_options(
	const struct settings *set, struct arena *a);

/*
 * All profiles: the built-in ones, then those of the file in its order. They
 * live in a, their names in set.
 */
struct engine_profile *policy_settings_profiles(
	const struct settings *set, struct arena *a, size_t *n);
