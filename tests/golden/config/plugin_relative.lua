av_scanners = { plugin("goodlookup", "plugins/goodlookup.so") { } }
compatibility_level = 1
