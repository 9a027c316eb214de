/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dkim_verdict: what the signatures of a mail say about one of its reports. One
 * counts if it passes and speaks for the domain that reports (RFC 8460 section
 * 3): that of the report's contact or, without one, whom the mail names.
 */
#pragma once

#include <stdbool.h>

#include "intake/digest_reader.h"

struct dkim_verdict {
	enum dkim_result result; /* NONE: there is no signature */
	struct str domain, reason;
	bool aligned; /* the domain speaks for the one that reports */
};

/* The signature that is worth most for the i-th report. */
struct dkim_verdict dkim_verdict_of(const struct digest_reports *f, size_t i);
