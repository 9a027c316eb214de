/* SPDX-License-Identifier: Apache-2.0 */
/* alert_own: SQL that alert_facts.c and digest_facts.c share; nobody else. */
#pragma once

#include "base/str.h"

/* Who reports: whom the proof shows; of what was imported the organisation,
 * which anybody may have called "dkim:google.com". */
#define REPORTER                                                               \
	"CASE WHEN proof = 'import' THEN 'import:' || org ELSE proof END"

/* A REPORTER as people know it: "google.com". */
struct str store_reporter_of(struct str who);
