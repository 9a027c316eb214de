/* SPDX-License-Identifier: Apache-2.0 */
/* api_report_served: which of the policy texts that senders held is ours. */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "store/store.h"

struct api_served;

/* All policies a domain ever had; *out is NULL if it is not hosted here. */
enum status api_served_get(struct store *s, struct arena *a, struct str tenant,
	struct str domain, struct api_served **out, struct err *e);

/* "current", "stale", "never"; NULL: not to be told. served may be NULL. */
const char *api_served_name(const struct api_served *served, struct arena *a,
	struct str policy_type, struct str text);
