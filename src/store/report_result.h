/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report_result: which result types an accepted report has, a row for each, so
 * that reports are found by them and added up without reading their bodies; for
 * this folder only.
 */
#pragma once

#include "store/store.h"

/*
 * The most sessions that went well, or failed, under any policy of a report, as
 * its row has them.
 */
void report_result_largest(
	const struct store_report *r, int64_t *ok, int64_t *failed);

/*
 * How many sessions: the sum of a policy's failures, of several policies the
 * largest, since a sender may count a session under each of them.
 */
enum status report_result_add(
	struct store *s, const struct store_report *r, struct err *e);
enum status report_result_drop(
	struct store *s, struct str tenant, struct str report, struct err *e);
