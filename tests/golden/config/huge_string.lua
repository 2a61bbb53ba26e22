mydomain = ("x"):rep(1e10)
