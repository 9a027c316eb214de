/* SPDX-License-Identifier: Apache-2.0 */
/* report_rule: moat report rule. */
#pragma once

#include "cli/cli.h"

int report_rule_run(struct cli *cli, const struct args *args);

extern const struct arg_row report_rule_options[];
