/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sts_lint: everything there is to say about a policy file (RFC 8461 section
 * 3.2). It has an error exactly when sts_policy_parse calls it invalid;
 * warnings and notes are what experience adds.
 */
#pragma once

#include <stdbool.h>

#include "base/str.h"
#include "proto/finding.h"

void sts_lint_policy(struct str text, struct finding_list *out);

/*
 * How the file came over HTTPS (section 3.3): the status code and the value of
 * Content-Type (empty when there was none).
 */
void sts_lint_served(unsigned http_status, struct str content_type,
	struct finding_list *out);
