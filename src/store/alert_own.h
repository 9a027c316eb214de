/* SPDX-License-Identifier: Apache-2.0 */
/* alert_own: SQL that alert_facts.c and digest_facts.c share; nobody else. */
#pragma once

#include "base/str.h"

/* What strangers count, so that sums stay within 64 bits: as
 * ROLLUP_SESSIONS_MAX. */
#define AT_MOST "10000000000"
#define OK_COUNT "CASE WHEN p.ok > " AT_MOST " THEN " AT_MOST " ELSE p.ok END"
#define FAILED_COUNT                                                           \
	"CASE WHEN p.failed > " AT_MOST " THEN " AT_MOST " ELSE p.failed END"
#define FAILURE_COUNT                                                          \
	"CASE WHEN f.sessions > " AT_MOST " THEN " AT_MOST                     \
	" ELSE f.sessions END"

/* Who reports: whom the proof shows; of what was imported the organisation. */
#define REPORTER "CASE WHEN proof = 'import' THEN org ELSE proof END"

/* A REPORTER as people know it: "google.com". */
struct str store_reporter_of(struct str who);
