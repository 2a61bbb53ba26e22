av_scanners = { plugin("somename", "@BUILD@/tests/golden/plugins/.libs/goodlookup.so") { } }
compatibility_level = 1
