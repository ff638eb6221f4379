//! Goes through every world that can be reached, breadth first, so that a counterexample is as short as any.
//!
//! An explorer of our own, because of the last property: that from every world there is a way on to where all is done.
//! It needs the steps backwards. stateright's `eventually` does not ask that, is documented to miss cycles and ways that
//! meet again, and would bring a web server and a concurrent map into the build for the two pages that this is.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};
use std::rc::Rc;

use super::actions::{Action, Rules};
use super::properties::{Property, broken_by_step, broken_by_world, is_done};
use super::world::World;

/// All that can be reached, or as much of it as was needed.
pub struct Explored {
    worlds: Vec<Rc<World>>,
    places: HashMap<Rc<World>, usize, BuildHasherDefault<Quick>>,
    /// How each world was first reached.
    reached: Vec<Option<(usize, Action)>>,
    /// The steps that somebody may count on, from where to where.
    certain: Vec<(usize, usize)>,
    steps: usize,
    /// The first breach of each property that does not hold.
    broken: BTreeMap<Property, Breach>,
}

/// Where a property is broken: in a world, or by a step out of it.
struct Breach {
    world: usize,
    step: Option<Action>,
}

impl Explored {
    /// Goes through every world that `rules` lead to.
    pub fn all(rules: &Rules) -> Self {
        let mut explored = Self::until(rules, |_| false);
        explored.look_for_dead_ends(rules);
        explored
    }

    /// Goes on until this property is found broken; others may break before.
    pub fn until_broken(rules: &Rules, property: Property) -> Self {
        Self::until(rules, |broken| broken.contains_key(&property))
    }

    fn until(rules: &Rules, is_enough: impl Fn(&BTreeMap<Property, Breach>) -> bool) -> Self {
        let mut this = Self {
            worlds: Vec::new(),
            places: HashMap::default(),
            reached: Vec::new(),
            certain: Vec::new(),
            steps: 0,
            broken: BTreeMap::new(),
        };
        this.reach(World::new(&rules.bounds), None);
        let mut next = 0;
        while let Some(world) = this.worlds.get(next).cloned()
            && !is_enough(&this.broken)
        {
            rules.follow(&world, |action, after| {
                this.steps += 1;
                for property in broken_by_step(&world, action, &after) {
                    this.accuse(property, Breach { world: next, step: Some(action) });
                }
                let place = this.reach(after, Some((next, action)));
                if !action.is_uncertain(&world) {
                    this.certain.push((next, place));
                }
            });
            next += 1;
        }
        this
    }

    /// The place of a world. It is judged when it is new.
    fn reach(&mut self, world: World, from: Option<(usize, Action)>) -> usize {
        let place = self.worlds.len();
        match self.places.entry(Rc::new(world.tidied())) {
            Entry::Occupied(known) => return *known.get(),
            Entry::Vacant(free) => {
                self.worlds.push(free.key().clone());
                free.insert(place);
            }
        }
        self.reached.push(from);
        for property in broken_by_world(&self.worlds[place].clone()) {
            self.accuse(property, Breach { world: place, step: None });
        }
        place
    }

    fn accuse(&mut self, property: Property, breach: Breach) {
        self.broken.entry(property).or_insert(breach);
    }

    /// Goes backwards from where all is done. Who is not met cannot get there for certain.
    fn look_for_dead_ends(&mut self, rules: &Rules) {
        let mut before = vec![Vec::new(); self.worlds.len()];
        for (from, to) in &self.certain {
            before[*to].push(*from);
        }
        let is_done = |place: &usize| is_done(&self.worlds[*place], rules.bounds.attempts);
        let mut to_go: Vec<usize> = (0..self.worlds.len()).filter(is_done).collect();
        let mut is_met = vec![false; self.worlds.len()];
        while let Some(place) = to_go.pop() {
            if !std::mem::replace(&mut is_met[place], true) {
                to_go.extend(&before[place]);
            }
        }
        if let Some(world) = is_met.iter().position(|is_met| !is_met) {
            self.accuse(Property::NobodyIsForgotten, Breach { world, step: None });
        }
    }

    /// How many worlds there are, and how many steps between them.
    pub fn size(&self) -> (usize, usize) {
        (self.worlds.len(), self.steps)
    }

    /// Whether such a world can be reached.
    pub fn has(&self, is_wanted: impl Fn(&World) -> bool) -> bool {
        self.worlds.iter().any(|world| is_wanted(world))
    }

    /// Every property that was found broken.
    pub fn broken(&self) -> Vec<Property> {
        self.broken.keys().copied().collect()
    }

    /// The shortest way to where this property is broken, step by step, and the world there. Nodes are told apart by
    /// what they are about to do: their places change.
    pub fn story(&self, property: Property) -> String {
        let Some(Breach { world, step }) = self.broken.get(&property) else {
            return format!("{property:?} holds");
        };
        let mut steps: Vec<String> = step.map(|action| self.tell(*world, action)).into_iter().collect();
        let mut place = *world;
        while let Some((from, action)) = self.reached[place] {
            steps.push(self.tell(from, action));
            place = from;
        }
        steps.reverse();
        format!("{property:?} is broken:\n  {}\n{:#?}", steps.join("\n  "), self.worlds[*world])
    }

    fn tell(&self, before: usize, action: Action) -> String {
        match action {
            Action::Steps { node } | Action::CommitUnheard { node } | Action::TakesBackInstead { node } => {
                format!("{action:?}: {:?}", self.worlds[before].nodes[node].task)
            }
            action => format!("{action:?}"),
        }
    }
}

/// Worlds are hashed a million times, and the standard library's hash takes half of all time where nothing is optimized.
#[derive(Default)]
struct Quick(u64);

impl Quick {
    fn add(&mut self, number: u64) {
        // Two odd numbers without a pattern: the golden ratio's fraction, and one for the end.
        self.0 = (self.0.rotate_left(5) ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

impl Hasher for Quick {
    fn finish(&self) -> u64 {
        (self.0 ^ (self.0 >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93)
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.add(u64::from(*byte)));
    }

    fn write_u8(&mut self, number: u8) {
        self.add(u64::from(number));
    }

    fn write_i8(&mut self, number: i8) {
        self.add(u64::from(number.cast_unsigned()));
    }

    fn write_usize(&mut self, number: usize) {
        self.add(number as u64);
    }

    fn write_isize(&mut self, number: isize) {
        self.add(number.cast_unsigned() as u64);
    }
}
