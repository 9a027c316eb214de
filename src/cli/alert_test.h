/* SPDX-License-Identifier: Apache-2.0 */
/* alert_test: does word get out? A trial message, and what became of it. */
#pragma once

#include "cli/cli.h"

extern const struct arg_row alert_test_options[];

int alert_test_run(struct cli *cli, const struct args *args);
