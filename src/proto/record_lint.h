/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record_lint: everything there is to say about the TXT records at _mta-sts
 * (RFC 8461 section 3.1) and _smtp._tls (RFC 8460 section 3). There is an
 * error exactly when the reader of the record does not call it VALID.
 */
#pragma once

#include <stddef.h>

#include "base/str.h"
#include "proto/finding.h"

/* All n TXT records of the name, the strings of each joined. */
void record_lint_sts(
	const struct str *texts, size_t n, struct finding_list *out);
void record_lint_tlsrpt(
	const struct str *texts, size_t n, struct finding_list *out);
