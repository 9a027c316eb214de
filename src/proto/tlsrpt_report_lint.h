/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tlsrpt_report_lint: the strict judge of a TLS report, for those who write
 * them: every departure from RFC 8460 (and from I-JSON, RFC 7493) with line,
 * column, section and remedy.
 */
#pragma once

#include "base/status.h"
#include "base/str.h"
#include "proto/finding.h"

/*
 * Adds what is wrong with the report to out, in whose arena it works. Text
 * that is no JSON is a finding too. ST_LIMIT: a cap or memory was reached
 * before everything was seen, and the findings say so.
 */
enum status tlsrpt_report_lint(struct str text, struct finding_list *out);
