/* SPDX-License-Identifier: Apache-2.0 */
/* report_settings: what the roles that take reports read from the settings. */
#pragma once

#include "io/spool.h"
#include "io/spool_quota.h"

struct settings;

struct spool_limits report_spool_limits(const struct settings *set);

/* The quota whose two settings are named. */
struct spool_quota_limits report_quota(
	const struct settings *set, const char *reports, const char *bytes);
