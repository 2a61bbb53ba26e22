av_scanners = { plugin("goodlookup", "@BUILD@/tests/golden/plugins/.libs/goodlookup.so") { } }
compatibility_level = 1
